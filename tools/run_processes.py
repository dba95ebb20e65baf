"""Start processes of a script on this machine, and let them end together.

    run_processes.py --nnodes=1 --node_rank=0 --master_addr=127.0.0.1 \
        --master_port=29500 --nproc_per_node=2 SCRIPT [arguments]

Called by run_processes.sh; the arguments and the environment of the processes are
torchrun's. Other than torchrun it hands SIGUSR1 on, ends with the processes' own exit
status, and names the one that failed in a line.
"""

import argparse
import os
import signal
import subprocess
import sys
import time

# See rsp/engine/processes/stopping.py; nothing is imported here, to start at once.
EXIT_SAVED = 75
NAMES = ('SIGTERM', 'SIGINT', 'SIGUSR1', 'SIGHUP')
# Seconds to save after a signal, and to leave after another process has failed.
TO_SAVE, TO_LEAVE = 60, 10


def main() -> int:
    parser = argparse.ArgumentParser()
    for name in ('nnodes', 'node_rank', 'master_port', 'nproc_per_node'):
        parser.add_argument(f'--{name}', type=int, required=True)
    parser.add_argument('--master_addr', required=True)
    parser.add_argument('script')
    parser.add_argument('arguments', nargs=argparse.REMAINDER)
    args = parser.parse_args()

    ranks: list[subprocess.Popen] = []
    came: list[int] = []

    def hand_on(number: int, frame: object) -> None:
        came.append(number)
        # A terminal that closes means to stop as well.
        sent = signal.SIGTERM if number == signal.SIGHUP else number
        send(ranks, sent)

    for name in NAMES:
        number = getattr(signal, name)
        # What nohup or a shell's & made us ignore stays ignored.
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, hand_on)
    first = args.node_rank * args.nproc_per_node
    world = args.nnodes * args.nproc_per_node
    for local in range(args.nproc_per_node):
        own = dict(
            RANK=first + local,
            LOCAL_RANK=local,
            WORLD_SIZE=world,
            LOCAL_WORLD_SIZE=args.nproc_per_node,
            GROUP_RANK=args.node_rank,
            MASTER_ADDR=args.master_addr,
            MASTER_PORT=args.master_port,
            RSP_LAUNCHER=os.getpid(),
        )
        if came:
            break
        ranks.append(
            subprocess.Popen(
                [sys.executable, '-u', args.script, *args.arguments],
                env=os.environ | {name: str(value) for name, value in own.items()},
            )
        )
    if came:
        send(ranks, signal.SIGTERM)
    return wait(ranks, first, world, came)


def wait(ranks: list[subprocess.Popen], first: int, world: int, came: list[int]) -> int:
    """Wait for all processes; stop the others if one fails; return the status."""
    failed: subprocess.Popen | None = None
    deadline = None
    while any(rank.poll() is None for rank in ranks):
        time.sleep(0.05)
        ended = [r for r in ranks if r.poll() not in (None, 0)]
        if deadline is None and (ended or came):
            crashed = [r for r in ended if r.returncode != EXIT_SAVED]
            if crashed and not came:
                failed = crashed[0]
                who = f'rank {first + ranks.index(failed)} of {world}'
                report(who, failed)
            deadline = time.monotonic() + (TO_LEAVE if failed else TO_SAVE)
            if not came:
                send(ranks, signal.SIGTERM)
        if deadline is not None and any(r.returncode != EXIT_SAVED for r in ended):
            # That one could not save, so the others cannot end the step either.
            deadline = min(deadline, time.monotonic() + TO_LEAVE)
        if deadline is not None and time.monotonic() > deadline:
            send(ranks, signal.SIGKILL)
    if failed is None:
        bad = [r for r in ranks if r.returncode not in (0, EXIT_SAVED)]
        if bad and not came:
            failed = bad[0]
            report(f'rank {first + ranks.index(failed)} of {world}', failed)
        elif bad:
            failed = bad[0]
    if failed is not None:
        return status(failed)
    if any(r.returncode == EXIT_SAVED for r in ranks):
        return EXIT_SAVED
    return 128 + came[0] if came and len(ranks) == 0 else 0


def send(ranks: list[subprocess.Popen], number: int) -> None:
    """Send a signal to the processes that still run."""
    for rank in ranks:
        if rank.poll() is None:
            rank.send_signal(number)


def status(rank: subprocess.Popen) -> int:
    """Return an exit status as a shell does, 128 + the signal."""
    return rank.returncode if rank.returncode >= 0 else 128 - rank.returncode


def report(who: str, rank: subprocess.Popen) -> None:
    """Name the process that failed first."""
    code = rank.returncode
    if code < 0:
        cause = f'was killed by {signal.Signals(-code).name}'
        if -code == signal.SIGKILL:
            cause += ', as the system does when memory runs out: see dmesg'
    else:
        cause = f'ended with exit code {code}; its own message tells why'
    print(
        f'error: {who} (pid {rank.pid}) {cause}. The others are stopped.',
        file=sys.stderr,
        flush=True,
    )


if __name__ == '__main__':
    sys.exit(main())
