"""Run commands of `rsp` in processes of their own, one after the other."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from rsp.errors import UserError

COMMAND = (sys.executable, '-c', 'from rsp.cli import main; main()')


def run_command(words: Sequence[str], folder: Path) -> None:
    """Run a command, what it prints appended to ``output.log``.

    Args:
        words: Behind ``rsp``, e.g. ``['train', 'configs/gersp/r50.py']``.
        folder: Of the log.

    Raises:
        UserError: If it fails, with the last line it printed.
    """
    log = folder / 'output.log'
    with log.open('a', encoding='utf-8') as file:
        done = subprocess.run(
            [*COMMAND, *words], stdout=file, stderr=subprocess.STDOUT, check=False
        )
    if done.returncode:
        lines = log.read_text(encoding='utf-8', errors='replace').strip().splitlines()
        raise UserError(
            f"the run in '{folder}' ended with {done.returncode}: "
            f"{(lines or ['nothing printed'])[-1]}; see '{log}', then start again: "
            'what is done stays.'
        )
