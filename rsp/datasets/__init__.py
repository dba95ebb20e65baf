"""Load images, pairs of images and windows of scenes; sample and batch them."""

from rsp.datasets import samplers, transforms, views
from rsp.datasets.collate import stacked_collate
from rsp.datasets.image_folder import ImageFolder
from rsp.datasets.land_cover_images import LandCoverImages
from rsp.datasets.paired import PairedDataset, paired_collate
from rsp.datasets.samplers import (
    GridWindowSampler,
    LabeledWindowSampler,
    PairedBatchSampler,
    PairedSampler,
    RandomWindowSampler,
    SampleIndex,
)
from rsp.datasets.scenes import SceneDataset
from rsp.datasets.seeded import SeededDataset
from rsp.datasets.temporal_scenes import TemporalSceneDataset

__all__ = [
    'GridWindowSampler',
    'ImageFolder',
    'LabeledWindowSampler',
    'LandCoverImages',
    'PairedBatchSampler',
    'PairedDataset',
    'PairedSampler',
    'RandomWindowSampler',
    'SampleIndex',
    'SceneDataset',
    'SeededDataset',
    'TemporalSceneDataset',
    'paired_collate',
    'samplers',
    'stacked_collate',
    'transforms',
    'views',
]
