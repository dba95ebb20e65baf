"""Draw what a batch consists of."""

from rsp.datasets.samplers.fixed_windows import (
    FixedWindows,
    GridWindowSampler,
    LabeledWindowSampler,
)
from rsp.datasets.samplers.paired import PairedBatchSampler, PairedSampler
from rsp.datasets.samplers.protocol import BatchShape, SampleIndex, SampleSource
from rsp.datasets.samplers.random_windows import RandomWindowSampler

__all__ = [
    'BatchShape',
    'FixedWindows',
    'GridWindowSampler',
    'LabeledWindowSampler',
    'PairedBatchSampler',
    'PairedSampler',
    'RandomWindowSampler',
    'SampleIndex',
    'SampleSource',
]
