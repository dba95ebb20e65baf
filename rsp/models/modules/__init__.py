"""Hold the stateful parts that methods share."""

from rsp.models.modules.band_preprocessor import BandDataPreprocessor
from rsp.models.modules.device_views import DeviceViews
from rsp.models.modules.paired_preprocessor import PairedDataPreprocessor
from rsp.models.modules.queue import FeatureQueue
from rsp.models.modules.teacher import Teacher

__all__ = [
    'BandDataPreprocessor',
    'DeviceViews',
    'FeatureQueue',
    'PairedDataPreprocessor',
    'Teacher',
]
