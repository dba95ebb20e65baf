"""Run trials of a config, each in a process of its own."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import rsp
from rsp.errors import UserError


class Failed(RuntimeError):
    """Report a trial that ended by itself or by the system: memory, a bug.

    Args:
        status: Of the process; minus the number of a signal.
        output: Its last lines.
    """

    def __init__(self, status: int, output: str) -> None:
        super().__init__(f'a trial ended with status {status}:\n{output}')
        self.status = status


class Trials:
    """Measure variants of a config.

    Args:
        options: Arguments of `rsp.engine.train.training_config` but the work dir and
            the overrides.
        cfg_options: Overrides of all variants, as on a command line.
    """

    def __init__(self, options: Mapping[str, Any], cfg_options: Sequence[str]) -> None:
        self.options, self.cfg_options = dict(options), list(cfg_options)

    def measure(
        self,
        seconds: float,
        whole: bool,
        cfg_options: Sequence[str] = (),
        **options: Any,
    ) -> dict[str, Any]:
        """Train a variant for so many seconds; see `rsp.engine.pilot.measuring.hook`.

        Args:
            seconds: Behind the start of the process.
            whole: Whether to measure validation and checkpoint, too.
            cfg_options: Further overrides.
            **options: In place of those of all.

        Raises:
            UserError: With the sentence of training, if it would refuse.
            Failed: If the process came to no end.
        """
        return self._run(cfg_options, options, seconds=seconds, whole=whole)

    def largest_batch(self, seconds: float) -> dict[str, Any]:
        """Find the largest batch; see `rsp.engine.pilot.largest_batch`."""
        return self._run((), {}, search=dict(seconds=seconds))

    def _run(
        self, cfg_options: Sequence[str], options: Mapping[str, Any], **request: Any
    ) -> dict[str, Any]:
        request |= dict(
            options=self.options | dict(options),
            cfg_options=[*self.cfg_options, *cfg_options],
        )
        root = str(Path(rsp.__file__).resolve().parents[1])
        paths = [root, *filter(None, [os.environ.get('PYTHONPATH')])]
        environment = os.environ | dict(PYTHONPATH=os.pathsep.join(paths))
        with tempfile.TemporaryDirectory() as folder:
            file, log = Path(folder, 'trial.json'), Path(folder, 'log')
            file.write_text(json.dumps(request | dict(started=time.time())))
            with log.open('w') as output:
                status = subprocess.run(
                    [sys.executable, '-m', 'rsp.engine.pilot.trial', str(file)],
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env=environment,
                    check=False,
                ).returncode
            ended = time.time()
            answer = file.with_suffix('.answer')
            if status or not answer.is_file():
                text = log.read_text(errors='replace').splitlines()
                raise Failed(status, '\n'.join(text[-40:]))
            measured = json.loads(answer.read_text())
        if 'refused' in measured:
            raise UserError(measured['refused'])
        if 'finished' in measured:
            # Workers end, folders are removed.
            measured['end'] = dict(wall=ended - measured.pop('finished'))
        return measured
