"""Pre-train on a folder from one line: decide and estimate before, export after."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from rsp import checkpoints
from rsp.engine.pilot.measuring import resources
from rsp.engine.pilot.pilot import pilot
from rsp.engine.pilot.report import duration
from rsp.engine.report.render import write_report
from rsp.errors import MissingData, UserError
from rsp.prepare.folder import prepare
from rsp.prepare.generate.choices import Choice
from rsp.prepare.generate.options import Options
from rsp.visualization.scalars import read_scalars

BACKBONE = 'backbone.safetensors'
NEIGHBOR = 'health/neighbor_top1'
# Long enough for the first step, which is slow, to be told from the others.
SECONDS = 15


def draft(
    folder: Path,
    out: Path,
    options: Options,
    choices: Sequence[Choice],
    tell: Callable[[str], None],
) -> Path:
    """Scan a folder, write the config of its training and say what was decided.

    Args:
        folder: Of scenes or images.
        out: Folder of the run; the scan goes to ``scan`` in it.
        options: Of the config.
        choices: What was decided before the scan.
        tell: Called with text for people.

    Returns:
        The config.

    Raises:
        MissingData: If the folder, the photos or the land cover are missing.
        UserError: If no file can be read, or files and options do not fit.
    """
    prepared = prepare(folder, out / 'scan', options)
    # Without the command that trains, which happens by itself here.
    tell(str(prepared))
    why = 'as given' if options.bands else prepared.values
    tell('decided:')
    for choice in (*choices, Choice('bands', prepared.bands, why, '--bands')):
        tell(str(choice))
    return prepared.config


def estimate(
    config: Path, cfg_options: Sequence[str], tell: Callable[[str], None]
) -> None:
    """Train for some seconds and say how long the whole training takes.

    Args:
        config: To train.
        cfg_options: Overrides of it, as on a command line.
        tell: Called with text for people.
    """
    load, cores = processes_at_work(), resources.cores()
    measured = pilot(str(config), SECONDS, cfg_options, False, lambda _: None)
    busy = (
        f', whose {cores} cores {load:.0f} processes share: less without the others'
        if load > cores
        else ''
    )
    tell(
        f'estimated: {duration(measured["hours"] * 3600)} on this machine{busy}; '
        f'rsp pilot {config} tells what would make it faster'
    )


def processes_at_work() -> float:
    """Return how many processes wanted a core in the last minute; 0 if unknown."""
    try:
        return os.getloadavg()[0]
    except (AttributeError, OSError):  # Windows has none.
        return 0.0


def finish(out: Path, tell: Callable[[str], None]) -> Path:
    """Export the backbone of a finished training and say what came out.

    Args:
        out: Folder of the run.
        tell: Called with text for people.

    Returns:
        File of the backbone, with its card.

    Raises:
        MissingData: If the run left no checkpoint.
    """
    named = out / 'last_checkpoint'
    if not named.is_file():
        raise MissingData(
            f"expected a checkpoint of the training in '{out}', found none; the same "
            'command goes on where it stopped.'
        )
    file, backbone = Path(named.read_text().strip()), out / BACKBONE
    meta = checkpoints.export_backbone(file, backbone)
    tell(checkpoints.describe_export(backbone, meta))
    for line in (_probed(out), _page(out)):
        if line:
            tell(line)
    tell(
        'next: rsp train configs/downstream/<task>/<config>.py --pretrained '
        f'{backbone}, or rsp checkpoint convert {backbone} for other libraries'
    )
    return backbone


def _probed(out: Path) -> str | None:
    """Describe how often a view's nearest neighbor is of the same image."""
    try:
        _, values = read_scalars(out).get(NEIGHBOR, ([], []))
    except UserError:
        return None
    if len(values) < 2:
        return None
    return (
        f'probe: the nearest of other views is of the same image for {values[0]:.0f} % '
        f'at first, {values[-1]:.0f} % at the end'
    )


def _page(out: Path) -> str | None:
    """Tell where the page is; of a training too short for `ReportHook`, write it."""
    page = out / 'report.html'
    if not page.is_file():
        try:
            page = write_report([out])
        except UserError:
            return None
    return f'report: {page}'
