"""Configure how DOTA is cut, and record the patches of each image."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from rsp.ops import check
from rsp.tasks.common.dota import classes_of
from rsp.tasks.common.dota_patches import windows


@dataclass(frozen=True)
class Settings:
    """Choose how to cut; the defaults are mmrotate's for single-scale DOTA-v1.0.

    Args:
        size: Side of a patch, pixels.
        gap: Pixels that neighboring patches share.
        rates: Scales: patches of ``size / rate`` with ``gap / rate``, which training
            resizes to ``size``.
        least_share: An object stays in a patch that shows at least this share of it.
        version: Release of DOTA, which decides the classes.
        padding: Blue, green, red, 0 to 255, of what lies beyond a small image.
        stretch: Of images of more than 8 bits, see `rsp.io.images.ColorRule`.

    Raises:
        UserError: If these cut nothing, or keep every object everywhere.
    """

    size: int = 1024
    gap: int = 200
    rates: tuple[float, ...] = (1.0,)
    least_share: float = 0.7
    padding: tuple[int, int, int] = (104, 116, 124)
    stretch: Sequence[float] | None = None
    version: str = '1.0'

    def __post_init__(self) -> None:
        classes_of(self.version)
        check.positive('size', self.size)
        check.between('gap', self.gap, 0, self.size - 1)
        check.positive('rates', min(self.rates))
        check.positive('least_share', self.least_share)
        check.between('least_share', self.least_share, 0, 1)

    def windows(self, width: int, height: int) -> list[tuple[int, int, int]]:
        """Return size, x, y of the patches of an image of these pixels."""
        sizes = [int(self.size / rate) for rate in self.rates]
        gaps = [int(self.gap / rate) for rate in self.rates]
        return windows(width, height, sizes, gaps)


@dataclass
class Record:
    """Record the patches and objects of one image.

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
