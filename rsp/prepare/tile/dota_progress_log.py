"""How DOTA is cut, and what a run of it has finished so far."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rsp.errors import UserError
from rsp.tasks.oriented_detection.patches import windows

JOURNAL = 'split.jsonl'


@dataclass(frozen=True)
class Settings:
    """How to cut; the defaults are mmrotate's for single-scale DOTA-v1.0.

    Args:
        size: Side of a patch, pixels.
        gap: Pixels that neighbouring patches share.
        rates: Scales: patches of ``size / rate`` with ``gap / rate``, which training
            resizes to ``size``.
        least_share: An object stays in a patch that shows at least this share of it.
        padding: Blue, green, red, 0 to 255, of what lies beyond a small image.

    Raises:
        ValueError: If these cut nothing, or keep every object everywhere.
    """

    size: int = 1024
    gap: int = 200
    rates: tuple[float, ...] = (1.0,)
    least_share: float = 0.7
    padding: tuple[int, int, int] = (104, 116, 124)

    def __post_init__(self) -> None:
        for name, value, fits, expected in (
            ('size', self.size, self.size > 0, 'at least 1 pixel'),
            ('gap', self.gap, 0 <= self.gap < self.size, '0 or more, below the size'),
            ('rates', self.rates, all(r > 0 for r in self.rates), 'numbers above 0'),
            (
                'least_share',
                self.least_share,
                0 < self.least_share <= 1,
                'above 0 and up to 1',
            ),
        ):
            if not fits:
                raise UserError(f'expected {name}: {expected}, got {value}.')

    def windows(self, width: int, height: int) -> list[tuple[int, int, int]]:
        """Size, x, y of the patches of an image of these pixels."""
        sizes = [int(self.size / rate) for rate in self.rates]
        gaps = [int(self.gap / rate) for rate in self.rates]
        return windows(width, height, sizes, gaps)


@dataclass
class Record:
    """What became of one image.

    Args:
        image: Name without ending.
        width: Pixels.
        height: Pixels.
        patches: Patches written.
        objects: Objects in the label file.
        kept: Objects in at least one patch.
        copies: Objects in patches; overlaps show some more than once.
        cut_off: Those of the copies that a border cuts.
        dropped: Places in the label file of objects of which no patch shows enough.
        flat: Places of objects without area.
    """

    image: str
    width: int
    height: int
    patches: int
    objects: int = 0
    kept: int = 0
    copies: int = 0
    cut_off: int = 0
    dropped: list[str] = field(default_factory=list)
    flat: list[str] = field(default_factory=list)


def open_journal(out: Path, settings: Settings, labelled: bool) -> Iterator[Record]:
    """Yield what an interrupted run has finished; start a journal if there is none.

    Args:
        out: Folder of the result.
        settings: Of this run.
        labelled: Whether this run writes labels.

    Raises:
        ValueError: If the folder holds something else, or other settings made it.
    """
    journal = out / JOURNAL
    head = json.loads(json.dumps(dict(asdict(settings), labelled=labelled)))
    if not journal.exists():
        if out.exists() and any(out.iterdir()):
            raise UserError(
                f'expected an empty folder, or one this tool wrote ({JOURNAL}), at '
                f"'{out}'; remove it or choose another one."
            )
        for part in ('images', 'annfiles') if labelled else ('images',):
            (out / part).mkdir(parents=True, exist_ok=True)
        append(out, head)
        return
    # The last line may have been cut off by the interruption.
    first, *lines = journal.read_text(encoding='utf-8').splitlines(keepends=True)
    if json.loads(first) != head:
        raise UserError(
            f"'{out}' was cut with other settings ({first.strip()}); remove it "
            'or choose another folder.'
        )
    whole = [line for line in lines if line.endswith('\n')]
    journal.write_text(first + ''.join(whole), encoding='utf-8')
    yield from (Record(**json.loads(line)) for line in whole)


def append(out: Path, entry: dict) -> None:
    """Add a line to the journal."""
    with (out / JOURNAL).open('a', encoding='utf-8') as journal:
        journal.write(json.dumps(entry) + '\n')
