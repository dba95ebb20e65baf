"""Data sets, one per file, and how they are sampled and batched."""

from rsp.datasets import samplers, transforms
from rsp.datasets.collate import stacked_collate
from rsp.datasets.image_folder import ImageFolder
from rsp.datasets.land_cover_images import LandCoverImages
from rsp.datasets.paired import Draw, PairedDataset, PairedSampler, paired_collate
from rsp.datasets.scenes import SceneDataset
from rsp.datasets.seeded import SeededDataset

__all__ = [
    'Draw',
    'ImageFolder',
    'LandCoverImages',
    'PairedDataset',
    'PairedSampler',
    'SceneDataset',
    'SeededDataset',
    'paired_collate',
    'samplers',
    'stacked_collate',
    'transforms',
]
