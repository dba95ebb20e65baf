"""Prepare a folder for training: scan it, write a report and a config."""

import json
from pathlib import Path

from rsp.prepare.generate.generate_config import generate_config, training_command
from rsp.prepare.generate.options import Options
from rsp.prepare.report.render import render_report
from rsp.prepare.report.warnings import find_warnings
from rsp.prepare.scan.folder import Scan, scan_folder


def prepare(
    folder: Path,
    out: Path,
    options: Options,
    scheduler: str | None = None,
    workers: int | None = None,
) -> str:
    """Scan a folder; write a report and a config.

    Args:
        folder: Of scenes or images.
        out: Folder for ``report.html``, ``scan.json`` and ``<method>.py``.
        options: Choices of the config.
        scheduler: See `rsp.prepare.jobs.run_jobs`.
        workers: See `rsp.prepare.jobs.run_jobs`.

    Returns:
        What was found and written, and the command that trains, for a person.

    Raises:
        MissingData: If the folder, the photos or the land cover are missing.
        UserError: If no file can be read, or files and options do not fit. The report
            is written also then.
    """
    display = options.bands if options.bands and len(options.bands) == 3 else None
    scan = scan_folder(folder, out, display, scheduler, workers, options.land_cover)
    report, numbers = out / 'report.html', out / 'scan.json'
    numbers.write_text(json.dumps(scan.to_json(), indent=1), encoding='utf-8')
    report.write_text(render_report(scan), encoding='utf-8')
    text = generate_config(scan, options, out)
    config = out / f'{options.method}.py'
    config.write_text(text, encoding='utf-8')
    command = training_command(config)
    report.write_text(render_report(scan, text, command), encoding='utf-8')
    return '\n'.join(
        [*_describe(scan), f'report: {report}', f'config: {config}', f'next: {command}']
    )


def _describe(scan: Scan) -> list[str]:
    formats = ', '.join(f'{n:,} with {name}' for name, n in scan.pixel_formats.items())
    lines = [f"{len(scan.files):,} files in '{scan.root}': {formats}"]
    lines += [f'  {line}' for line in find_warnings(scan)]
    unreadable = list(scan.unreadable.items())
    lines += [f"  unreadable '{path}': {why}" for path, why in unreadable[:10]]
    if unreadable[10:]:
        lines.append(f'  and {len(unreadable) - 10} more, in scan.json')
    return lines
