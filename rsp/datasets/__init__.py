"""Data sets, one per file, and how they are sampled and batched."""

from .image_folder import ImageFolder
from .paired import Draw, PairedDataset, PairedSampler, paired_collate

__all__ = ['Draw', 'ImageFolder', 'PairedDataset', 'PairedSampler', 'paired_collate']
