"""Data sets, one per file, and how they are sampled and batched."""

from .collate import stacked_collate
from .image_folder import ImageFolder
from .land_cover_images import LandCoverImages
from .paired import Draw, PairedDataset, PairedSampler, paired_collate
from .scenes import SceneDataset
from .seeded import SeededDataset

__all__ = [
    'Draw',
    'ImageFolder',
    'LandCoverImages',
    'PairedDataset',
    'PairedSampler',
    'SceneDataset',
    'SeededDataset',
    'paired_collate',
    'stacked_collate',
]
