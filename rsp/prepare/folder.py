"""Prepare a folder for training: scan it, write a report and a config."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rsp.geo.land_cover.zonal import LandCover
from rsp.prepare.generate.generate_config import (
    generate_config,
    shown,
    training_command,
)
from rsp.prepare.generate.options import Options
from rsp.prepare.report.render import render_report
from rsp.prepare.report.warnings import find_warnings
from rsp.prepare.scan.folder import Scan, scan_folder


@dataclass(frozen=True)
class Prepared:
    """Store what was found in a folder, and what was written for it.

    Attributes:
        findings: Lines about the files, the first with their number.
        report: Page of the data.
        config: That trains on it.
        command: That trains the config.
        bands: The chosen ones.
        values: Of these bands, in words.
    """

    findings: tuple[str, ...]
    report: Path
    config: Path
    command: str
    bands: str
    values: str

    def __str__(self) -> str:
        files = [f'report: {self.report}', f'config: {self.config}']
        return '\n'.join([*self.findings, *files])


def prepare(folder: Path, out: Path, options: Options, **cluster: Any) -> Prepared:
    """Scan a folder; write a report and a config.

    Args:
        folder: Of scenes or images.
        out: Folder for ``report.html``, ``scan.json`` and ``<method>.py``.
        options: Choices of the config.
        cluster: ``scheduler`` and ``workers`` of `rsp.prepare.jobs.run_jobs`.

    Returns:
        Findings, files written, and the command that trains.

    Raises:
        MissingData: If the folder, the photos or the land cover are missing.
        UserError: If no file can be read, or files and options do not fit.
    """
    display = options.bands if options.bands and len(options.bands) == 3 else None
    scan = scan_folder(folder, out, display, options.land_cover, **cluster)
    report, numbers = out / 'report.html', out / 'scan.json'
    numbers.write_text(json.dumps(scan.to_json(), indent=1), encoding='utf-8')
    # Written twice: the report explains why a folder gets no config.
    report.write_text(render_report(scan), encoding='utf-8')
    generated = generate_config(scan, options, out)
    config = out / f'{options.method}.py'
    config.write_text(generated.text, encoding='utf-8')
    findings = _describe(scan)
    if options.land_cover is not None:
        notes = LandCover(options.land_cover, options.class_map).notes
        findings += [f'  {note}' for note in notes]
    command = training_command(config)
    report.write_text(render_report(scan, generated.text, command), encoding='utf-8')
    return Prepared(
        findings=tuple(findings),
        report=report,
        config=config,
        command=command,
        bands=shown(generated.bands),
        values=generated.values,
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
