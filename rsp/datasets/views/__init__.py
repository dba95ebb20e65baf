"""Make random views of images: decoded small, cut first, colored last."""

from rsp.datasets.views.exact import heed_exact_pillow
from rsp.datasets.views.load_for_device import LoadForDevice
from rsp.datasets.views.load_views import LoadView, LoadViews
from rsp.datasets.views.masked_two_crop import MaskedTwoCrop
from rsp.datasets.views.multi_view import MultiView, SingleView
from rsp.datasets.views.overlapping_boxes import CropToBox, SampleOverlappingBoxes
from rsp.datasets.views.pretrain_data import heed_pretrain_data
from rsp.datasets.views.view_set import ViewSet

__all__ = [
    'CropToBox',
    'LoadForDevice',
    'LoadView',
    'LoadViews',
    'MaskedTwoCrop',
    'MultiView',
    'SampleOverlappingBoxes',
    'SingleView',
    'ViewSet',
    'heed_exact_pillow',
    'heed_pretrain_data',
]
