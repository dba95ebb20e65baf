"""Kill, stop, feed garbage to and outlast trainings; print counts as a table.

    python tools/soak.py all --out soak.md          an hour of two cores
    python tools/soak.py all --kills 30 --signals 12 --iterations 6000     a third of it
    python tools/soak.py kills --kills 100 --seed 1
    python tools/soak.py long --iterations 20000 --data scenes

Needs Linux and a checkout. Everything random follows from the seed, up to the speed
of the machine. Ends with 1 if anything went wrong; the files of what did are kept in
--folder.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / 'tests')]
PROGRAMS = dict(
    kills='SIGKILL at random moments of runs of two processes',
    signals='SIGTERM, SIGINT and SIGUSR1 at random moments',
    mutations='damaged images, by a worker process',
    configs='wrong configs and command lines',
    long='memory and open files over time',
)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    texts = '; '.join(f'{name}: {text}' for name, text in PROGRAMS.items())
    parser.add_argument('program', nargs='+', choices=['all', *PROGRAMS], help=texts)
    parser.add_argument('--kills', type=int, default=100)
    parser.add_argument('--signals', type=int, default=30)
    parser.add_argument('--iterations', type=int, default=20_000, help='of each "long"')
    parser.add_argument('--data', nargs='+', help='of "long"; all that it knows')
    parser.add_argument('--seed', type=int, default=0, help='of kills and signals')
    parser.add_argument('--out', type=Path, help='file for the table, too')
    parser.add_argument('--folder', type=Path, help='for runs; a new temporary one')
    return parser.parse_args()


def results(
    program: str, server: Any, folder: Path, args: argparse.Namespace
) -> Iterator[tuple[Any, Any]]:
    """Run one of `PROGRAMS`; yield rows of the table and what they are of."""
    from reliability import bad_inputs, kills, over_time, signals, table

    def place(name: str) -> Path:
        made = folder / name
        made.mkdir()
        return made

    if program == 'kills':
        killed = kills.run_kills(server, place('kills'), args.kills, args.seed)
        yield table.of_kills(killed, args.seed), killed
    elif program == 'signals':
        stopped = signals.run_signals(server, place('signals'), args.signals, args.seed)
        yield table.of_signals(stopped, args.seed), stopped
    elif program == 'mutations':
        for way in ('raise', 'skip'):
            found = bad_inputs.run_mutations(server, place(f'mutations_{way}'), way)
            what = f"damaged images, read by a worker with on_bad_image='{way}'"
            yield table.of_inputs(program, what, found), found
    elif program == 'configs':
        found = bad_inputs.run_configs(server, place('configs'))
        yield table.of_inputs(program, 'wrong configs and command lines', found), found
    else:
        for name in args.data or over_time.RUNS:
            long = over_time.run_long(server, place(name), name, args.iterations)
            yield table.of_long(long), long


def main() -> int:
    args = parse_args()
    os.environ.setdefault('OMP_NUM_THREADS', '1')
    import rsp  # noqa: F401  first: see rsp/compat.py

    # isort: split
    from reliability import jobs, table

    folder = args.folder or Path(tempfile.mkdtemp(prefix='soak'))
    folder.mkdir(parents=True, exist_ok=True)
    print(f'runs in {folder}', flush=True)
    rows, failures = [], []
    with jobs.fork_server(folder / 'server.log') as server:
        for program in PROGRAMS if 'all' in args.program else args.program:
            for row, result in results(program, server, folder, args):
                print('|', ' | '.join(row), '|', flush=True)
                rows.append(row)
                failures += result.failures
    text = table.markdown(rows)
    if args.out:
        args.out.write_text(text, encoding='utf-8')
    print(text, *failures, sep='\n')
    return 1 if failures else 0


if __name__ == '__main__':
    sys.exit(main())
