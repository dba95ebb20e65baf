"""Say how images are packed."""

from collections.abc import Sequence
from dataclasses import dataclass

from rsp.errors import UserError
from rsp.io.images import ColorRule
from rsp.ops import check


@dataclass(frozen=True)
class PackSettings:
    """Say what becomes of each image.

    Attributes:
        short_side: Images whose shorter side has more pixels are shrunk to it; none is
            enlarged.
        quality: Of JPEGs that are written, 1 to 100.
        keep: Store every file as it is, of any kind.
        raw: Store pixels, not JPEGs.
        stretch: Of more than 8 bits, see `rsp.io.images.ColorRule`.

    Raises:
        UserError: If one is out of range, or two exclude each other.
    """

    short_side: int = 256
    quality: int = 90
    keep: bool = False
    raw: bool = False
    stretch: Sequence[float] | None = None

    def __post_init__(self) -> None:
        check.at_least('--short-side', self.short_side, 1)
        check.between('--quality', self.quality, 1, 100)
        if self.keep and (self.raw or self.stretch is not None):
            raise UserError(
                'expected --keep alone, got it with --raw or --stretch; files that are '
                'kept are decoded when they are read.'
            )
        self.rule()

    def rule(self) -> ColorRule:
        """Return the rule by which images become colors."""
        return ColorRule(self.stretch)

    @property
    def kind(self) -> str:
        """Kind of the store, see `rsp.io.stores.Manifest`."""
        return 'raw' if self.raw else 'lmdb'
