"""Describe the methods that a config can be generated for, and the user's options."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rsp.errors import UserError
from rsp.ops import check


@dataclass(frozen=True)
class Method:
    """Store what the config of a method needs; a new method is an entry of `METHODS`.

    Attributes:
        small: Base config below ``configs`` that trains in minutes on a CPU.
        full: Base config with the published recipe.
        keys_per_image: Keys that an image adds to the negative queue; 0 without one.
        queue: Where the model's config has the length of that queue.
        all_bands: Takes all bands, unless told otherwise, instead of red, green and
            blue.
        land_cover: Learns from land cover, and so needs georeferenced scenes.
        photos: Learns from labeled photos beside the scenes.
        full_rejection: ``rejection`` of ``rsp.SceneDataset`` in the full recipe.
    """

    small: str
    full: str
    keys_per_image: int = 0
    queue: str = 'queue.length'
    all_bands: bool = False
    land_cover: bool = False
    photos: bool = False
    full_rejection: dict[str, Any] = field(default_factory=dict)


METHODS = dict(
    gersp=Method(
        small='gersp/gersp_resnet18_1xb64-adamw-coslr-10e_quickstart.py',
        full='gersp/gersp_resnet50_8xb32-coslr-restart-100e_maid-in1k.py',
        keys_per_image=1,
        photos=True,
    ),
    cmid=Method(
        small='cmid/cmid_resnet18_1xb64-adan-coslr-16e_quickstart.py',
        full='cmid/cmid_resnet50_4xb64-adan-coslr-200e_maid.py',
        keys_per_image=2,
    ),
    geokr=Method(
        small='geokr/geokr_resnet18_1xb16-adam-steplr-20e_scenes.py',
        full='geokr/geokr_resnet50_1xb8-adam-steplr-10e_s2-worldcover.py',
        all_bands=True,
        land_cover=True,
        # As published. In the small recipe little would be left of dark ground.
        full_rejection=dict(rules=True),
    ),
    moco=Method(
        small='moco/mocov2_resnet18_1xb64-adamw-coslr-10e_quickstart.py',
        full='moco/mocov2_resnet50_8xb32-coslr-200e_maid.py',
        keys_per_image=1,
        queue='queue_len',
    ),
)


@dataclass(frozen=True)
class Options:
    """Store the user's options of a generated config.

    Attributes:
        method: A key of `METHODS`.
        small: Train for minutes on a CPU instead of by the published recipe.
        bands: Band numbers from 1, or names; None for red, green and blue, or for all
            if the method takes them unless told otherwise.
        window: Edge in pixels; None for one that suits the recipe and the scenes.
        photos: Folder of photos by class, for GeRSP; None for those of the quick start.
        land_cover: Raster of classes or folder of them, for GeoKR.
        class_map: Class map of ``land_cover``; None to detect it.
        labels: Label file instead of ``land_cover``.

    Raises:
        UserError: If the method is unknown or the others do not fit it.
    """

    method: str
    small: bool = True
    bands: tuple[int | str, ...] | None = None
    window: int | None = None
    photos: Path | None = None
    land_cover: Path | None = None
    class_map: str | None = None
    labels: Path | None = None

    def __post_init__(self) -> None:
        check.one_of('method', self.method, METHODS)
        if self.window is not None:
            check.at_least('--window', self.window, 1)
        facts = self.facts
        if facts.land_cover and (self.land_cover is None) == (self.labels is None):
            raise UserError(
                f'{self.method} expects a map or labels of it; give one of '
                '--land-cover and --labels.'
            )

    @property
    def facts(self) -> Method:
        """Return the description of the method."""
        return METHODS[self.method]
