"""From a folder to everything that a training needs, in one call."""

import json
from pathlib import Path

from rsp.prepare.generate.config import draft_config
from rsp.prepare.generate.options import Wishes
from rsp.prepare.report.page import datasheet
from rsp.prepare.report.warnings import concerns
from rsp.prepare.scan.folder import Census, take_census


def prepare(
    folder: Path,
    out: Path,
    wishes: Wishes,
    scheduler: str | None = None,
    workers: int | None = None,
) -> str:
    """Look at a folder; write a datasheet and a config.

    Args:
        folder: Of scenes or images.
        out: Folder for ``datasheet.html``, ``census.json`` and ``<method>.py``.
        wishes: What the config is to be.
        scheduler: See `rsp.prepare.jobs.run_jobs`.
        workers: See `rsp.prepare.jobs.run_jobs`.

    Returns:
        What was found and written, and the command that trains, for a person.

    Raises:
        FileNotFoundError: If the folder, the photos or the land cover are missing.
        ValueError: If no file can be read, or files and wishes do not fit. The
            datasheet is there also then.
    """
    display = wishes.bands if wishes.bands and len(wishes.bands) == 3 else None
    census = take_census(folder, out, display, scheduler, workers, wishes.land_cover)
    page, numbers = out / 'datasheet.html', out / 'census.json'
    numbers.write_text(json.dumps(census.to_json(), indent=1), encoding='utf-8')
    page.write_text(datasheet(census), encoding='utf-8')
    text = draft_config(census, wishes, out)
    config = out / f'{wishes.method}.py'
    config.write_text(text, encoding='utf-8')
    command = f'python tools/train.py {config}'
    page.write_text(datasheet(census, text, command), encoding='utf-8')
    return '\n'.join(
        [*_lines(census), f'datasheet: {page}', f'config: {config}', f'next: {command}']
    )


def _lines(census: Census) -> list[str]:
    kinds = ', '.join(f'{n:,} with {kind}' for kind, n in census.kinds.items())
    lines = [f"{len(census.found):,} files in '{census.root}': {kinds}"]
    lines += [f'  {line}' for line in concerns(census)]
    unreadable = list(census.unreadable.items())
    lines += [f"  unreadable '{path}': {why}" for path, why in unreadable[:10]]
    if unreadable[10:]:
        lines.append(f'  and {len(unreadable) - 10} more, in census.json')
    return lines
