"""Log finished jobs, so that an interrupted run resumes."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rsp.errors import UserError
from rsp.io.files import make_folder
from rsp.io.text import load_json


class ProgressLog:
    """Store the results of finished jobs in a file, one JSON line each.

    The first line holds the settings. A line that an interruption cut short is removed,
    so that its job is done again. Only one process and thread may write::

        log = ProgressLog(out / 'tiles.jsonl', dict(size=256), new_folder=True)
        for image in images:
            if image.stem not in log.results:
                log.append(dict(key=image.stem, tiles=cut(image)))

    `rsp.prepare.jobs.run_jobs` does this for jobs spread over processes.

    Args:
        file: Path of the log; its folder is made.
        settings: JSON-like; everything that the results depend on besides the keys.
        new_folder: Refuse a folder that holds other files but no log yet.

    Attributes:
        results: Results of finished jobs by ``'key'``.

    Raises:
        UserError: If the log was begun with other settings, or its folder holds other
            files or cannot be written.
    """

    def __init__(
        self,
        file: Path,
        settings: Mapping[str, Any] | None = None,
        new_folder: bool = False,
    ) -> None:
        self.file = file
        self.results: dict[str, dict[str, Any]] = {}
        make_folder(file.parent)
        if new_folder and not file.exists() and any(file.parent.iterdir()):
            raise UserError(
                f'expected an empty folder, or one that this tool began ({file.name}), '
                f"at '{file.parent}'; remove it or choose another one."
            )
        header = json.loads(json.dumps({'settings': dict(settings or {})}))
        lines = self._read()
        if not lines:
            self._write(header)
            return
        if not isinstance(lines[0].get('settings'), dict):
            raise UserError(
                f"expected a progress log of this version at '{file}', got one of "
                'another tool or version; remove the folder or choose another one.'
            )
        if lines[0] != header:
            self._refuse(lines[0]['settings'], header['settings'])
        self.results = {line['key']: line for line in lines[1:]}

    def append(self, result: dict[str, Any]) -> None:
        """Add the result of a finished job, which holds the job's ``'key'``."""
        self._write(result)
        self.results[result['key']] = result

    def _write(self, entry: Mapping[str, Any]) -> None:
        with self.file.open('a', encoding='utf-8') as file:
            file.write(json.dumps(entry) + '\n')

    def _read(self) -> list[dict[str, Any]]:
        if not self.file.exists():
            return []
        content = self.file.read_bytes()
        complete = content[: content.rfind(b'\n') + 1]
        if complete != content:
            os.truncate(self.file, len(complete))
        try:
            lines = [load_json(line) for line in complete.splitlines()]
            if not all(isinstance(line, dict) for line in lines):
                raise ValueError('a line that is no object')
            dict.fromkeys(line['key'] for line in lines[1:])
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(
                f"'{self.file}' is damaged ({type(error).__name__}: {error}); delete "
                'it to begin anew.'
            ) from error
        return lines

    def _refuse(self, begun: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
        # Only what differs: settings may list thousands of files.
        changed = [
            key
            for key in {**begun, **settings}
            if begun.get(key, ...) != settings.get(key, ...)
        ]
        then, now = ({k: s.get(k) for k in changed} for s in (begun, settings))
        raise UserError(
            f"expected the settings that '{self.file}' was begun with, {then}, got "
            f'{now}; finish it with those, write to another place, or delete it.'
        )
