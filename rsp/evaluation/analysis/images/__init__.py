"""List the images that backbones are compared on, and compute their features."""

from rsp.evaluation.analysis.images.features import batches, stage_features
from rsp.evaluation.analysis.images.image_set import ImageSet, per_band, resize
from rsp.evaluation.analysis.images.sources import has_splits, open_images

__all__ = [
    'ImageSet',
    'batches',
    'has_splits',
    'open_images',
    'per_band',
    'resize',
    'stage_features',
]
