"""Read back the numbers a run has logged."""

from collections import defaultdict
from pathlib import Path

from rsp.errors import MissingData, UserError
from rsp.io.text import load_json

Curve = tuple[list[int], list[float]]


def read_scalars(work_dir: Path) -> dict[str, Curve]:
    """Read everything logged during the latest training in a work dir.

    Args:
        work_dir: Folder of the run.

    Returns:
        ``{name: (steps, values)}``, e.g. for ``loss_contrast``; steps count from 1.

    Raises:
        MissingData: If no run has logged anything there.
    """
    # Run folders are named by their time, so the last name is the latest run.
    logs = sorted(work_dir.glob('*/vis_data/scalars.json'))
    if not logs:
        raise MissingData(
            f"expected the log of a run at '{work_dir}/*/vis_data/scalars.json', found "
            'none; did the training start?'
        )
    curves: dict[str, Curve] = defaultdict(lambda: ([], []))
    for number, line in enumerate(logs[-1].read_bytes().splitlines(), start=1):
        try:
            record = load_json(line)
            step = record.pop('step', None)
        except (ValueError, AttributeError, TypeError) as error:
            raise UserError(
                f"line {number} of '{logs[-1]}' is no record of a log ({error}); "
                'remove it.'
            ) from error
        for name, value in record.items():
            if step is not None and isinstance(value, int | float):
                curves[name][0].append(step)
                curves[name][1].append(value)
    return dict(curves)
