"""Kill, stop, feed garbage to and outlast trainings; print counts as a table.

    python tools/soak.py all --out soak.md          an hour of two cores
    python tools/soak.py kills 100 --seed 1
    python tools/soak.py long 20000 scenes

Needs Linux and a checkout. Everything random follows from the seed, up to the speed
of the machine. Ends with 1 if anything went wrong; the files of what did are kept in
--folder.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / 'tests')]


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--out', type=Path, help='file for the table, too')
    parser.add_argument('--folder', type=Path, help='for runs; a new temporary one')
    programs = parser.add_subparsers(dest='program', required=True, metavar='PROGRAM')
    for name, count, text in (
        ('kills', 100, 'SIGKILL at random moments of runs of two processes'),
        ('signals', 30, 'SIGTERM, SIGINT and SIGUSR1 at random moments'),
    ):
        program = programs.add_parser(name, help=text)
        program.add_argument('count', type=int, nargs='?', default=count)
        program.add_argument('--seed', type=int, default=0)
    programs.add_parser('mutations', help='damaged images, by a worker process')
    programs.add_parser('configs', help='wrong configs and command lines')
    program = programs.add_parser('long', help='memory and open files over time')
    program.add_argument('count', type=int, nargs='?', default=20_000)
    program.add_argument('data', nargs='*', metavar='files|scenes')
    programs.add_parser('all', help='all of these with their default counts')
    return parser.parse_args()


def main() -> int:
    args = parse_args()
    os.environ.setdefault('OMP_NUM_THREADS', '1')
    import rsp  # noqa: F401  first: see rsp/compat.py

    # isort: split
    from reliability import bad_inputs, jobs, kills, over_time, signals, table

    folder = args.folder or Path(tempfile.mkdtemp(prefix='soak'))
    folder.mkdir(parents=True, exist_ok=True)
    print(f'runs in {folder}', flush=True)
    everything = args.program == 'all'
    seed = getattr(args, 'seed', 0)
    rows, failures = [], []

    def place(name: str) -> Path:
        made = folder / name
        made.mkdir()
        return made

    with jobs.fork_server(folder / 'server.log') as server:
        if everything or args.program == 'kills':
            count = getattr(args, 'count', 100)
            killed = kills.run_kills(server, place('kills'), count, seed)
            rows.append(table.of_kills(killed, seed))
            failures += killed.failures
        if everything or args.program == 'signals':
            count = getattr(args, 'count', 30)
            stopped = signals.run_signals(server, place('signals'), count, seed)
            rows.append(table.of_signals(stopped, seed))
            failures += stopped.failures
        if everything or args.program == 'mutations':
            images = bad_inputs.run_mutations(server, place('mutations'))
            rows.append(table.of_inputs('mutations', images))
            failures += images.failures
        if everything or args.program == 'configs':
            configs = bad_inputs.run_configs(server, place('configs'))
            rows.append(table.of_inputs('configs', configs))
            failures += configs.failures
        if everything or args.program == 'long':
            count = getattr(args, 'count', 20_000)
            for name in getattr(args, 'data', None) or over_time.RUNS:
                long = over_time.run_long(server, place(name), name, count)
                rows.append(table.of_long(long))
                failures += long.failures
    text = table.markdown(rows)
    if args.out:
        args.out.write_text(text, encoding='utf-8')
    print(text, *failures, sep='\n')
    return 1 if failures else 0


if __name__ == '__main__':
    sys.exit(main())
