"""Load and augment images."""

from rsp.datasets.transforms.color_jitter import ColorJitter
from rsp.datasets.transforms.degrade import GaussianNoise, RandomBlur
from rsp.datasets.transforms.gray_and_negative import RandomGrayscale, RandomSolarize
from rsp.datasets.transforms.load_geotiff import LoadGeoTiff
from rsp.datasets.transforms.load_image import LoadImageFromFile
from rsp.datasets.transforms.packing import PackForDevice, PackViews
from rsp.datasets.transforms.random_rotate90 import RandomRotate90
from rsp.datasets.transforms.value_range import SetValueRange

__all__ = [
    'ColorJitter',
    'GaussianNoise',
    'LoadGeoTiff',
    'LoadImageFromFile',
    'PackForDevice',
    'PackViews',
    'RandomBlur',
    'RandomGrayscale',
    'RandomRotate90',
    'RandomSolarize',
    'SetValueRange',
]
