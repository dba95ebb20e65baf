"""Start trainings of several processes in a second each: everything is imported once.

Reads orders as lines of JSON, and answers each by a line: the arguments of `start`
start a program in a session of its own and give its pid, a pid gives its exit status,
None while it runs. Other than on a command line, launcher and processes are forked from
this one and do not import torch again.
"""

import gc
import importlib.util
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))
LAUNCHER = ROOT / 'tools/run_processes.py'


def import_everything() -> None:
    """Import what a training imports, so that no process does it by itself."""
    import rasterio  # noqa: F401
    from yapf.yapflib import yapf_api

    import rsp.cli
    import rsp.engine.processes
    import rsp.engine.train  # noqa: F401

    for task in ('detection', 'segmentation', 'change_detection'):
        importlib.import_module(f'rsp.tasks.{task}')

    # mmengine lays out a config six times per run, 2 s on a core.
    yapf_api.FormatCode = lambda text, **_: (text, True)
    # What is shared stays so.
    gc.collect()
    gc.freeze()


class Rank:
    """Stand for the `subprocess.Popen` of a training, forked instead of started."""

    def __init__(self, command: Sequence[str], env: dict[str, str]) -> None:
        self.returncode: int | None = None
        self.pid = os.fork()
        if self.pid == 0:
            from rsp.cli import main

            # As a new program finds them.
            for name in ('SIGTERM', 'SIGUSR1', 'SIGHUP'):
                signal.signal(getattr(signal, name), signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            os.environ.clear()
            os.environ.update(env)
            sys.argv = list(command[2:])
            main('train', prog='python tools/train.py')
            sys.exit()

    def poll(self) -> int | None:
        """Return the exit status, negative for a signal, or None while it runs."""
        if self.returncode is None:
            self.returncode = exit_status(self.pid)
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)


def exit_status(pid: int) -> int | None:
    """Return the exit status of a child as `subprocess` does; None while it runs."""
    ended, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if ended else None


def launcher() -> ModuleType:
    """Load the real launcher, with processes that are forked."""
    spec = importlib.util.spec_from_file_location('run_processes', LAUNCHER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.subprocess = SimpleNamespace(Popen=Rank)  # type: ignore[attr-defined]
    return module


def launch() -> int:
    """Run the launcher of several processes."""
    status: int = launcher().main()
    return status


def command() -> None:
    """Run the command `rsp`."""
    from rsp.cli import main

    main()


def read_images() -> None:
    """Read a folder of images by a worker process, as a training does.

    The arguments are the folder, and what becomes of an image that cannot be read.
    """
    from mmengine.dataset import pseudo_collate

    from rsp.datasets.broken_files import skip_in_training
    from rsp.engine.runner import PortableRunner
    from rsp.errors import report_user_errors

    folder, on_bad_image = sys.argv[1:]
    source = dict(
        type='rsp.ImageFolder',
        data_root=folder,
        with_label=False,
        on_bad_image=on_bad_image,
        pipeline=[dict(type='LoadImageFromFile'), dict(type='PackInputs')],
    )
    with report_user_errors():
        loader = PortableRunner.build_dataloader(
            dict(
                batch_size=1,
                num_workers=1,
                dataset=source,
                sampler=dict(type='DefaultSampler', shuffle=False),
                collate_fn=dict(type=pseudo_collate),
            )
        )
        skip_in_training(loader.dataset, folder, fresh=True)
        for batch in loader:
            print('read', batch['data_samples'][0].img_path)


PROGRAMS = dict(train=launch, rsp=command, read=read_images)


def start(program: str, arguments: Sequence[str], log: str) -> int:
    """Fork a program and return its pid; in it and below it this never returns."""
    pid = os.fork()
    if pid == 0:
        os.setsid()
        out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(out, 1)
        os.dup2(out, 2)
        # A line must be there when its process is killed.
        sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
        sys.argv = [program, *arguments]
        sys.exit(PROGRAMS[program]())
    return pid


def main() -> None:
    # Libraries print as well.
    answers = os.fdopen(os.dup(1), 'w')
    os.dup2(2, 1)
    import_everything()
    print('null', file=answers, flush=True)
    ended: dict[int, int] = {}
    for line in sys.stdin:
        order = json.loads(line)
        answer: Any
        if isinstance(order, dict):
            answer = start(**order)
        else:
            if order not in ended:
                status = exit_status(order)
                if status is not None:
                    ended[order] = status
            answer = ended.get(order)
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == '__main__':
    main()
