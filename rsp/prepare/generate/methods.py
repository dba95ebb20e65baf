"""Describe the pre-training methods that a config can be generated for."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Method:
    """Describe what the config of a method needs.

    A new method is one entry of `METHODS`.

    Attributes:
        small: Config to inherit that learns in minutes on a CPU, below ``configs``.
        full: Config to inherit with the published recipe.
        keys_per_image: Keys that an image adds to the negative queue; 0 without one.
        any_bands: Takes any number of bands instead of red, green and blue.
        land_cover: Learns from land cover, and so needs georeferenced scenes.
        photos: Learns from labeled photos beside the scenes.
        full_rejection: ``rejection`` of ``rsp.SceneDataset`` in the full recipe.
    """

    small: str
    full: str
    keys_per_image: int = 0
    any_bands: bool = False
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
        any_bands=True,
        land_cover=True,
        # As published. In the small recipe little would be left of dark ground.
        full_rejection=dict(rules=True),
    ),
)
