"""Make random views of images: decoded small, cut first, colored last."""

from rsp.datasets.views.load_for_device import LoadForDevice
from rsp.datasets.views.load_views import LoadView, LoadViews
from rsp.datasets.views.multi_view import MultiView
from rsp.datasets.views.view_set import ViewSet

__all__ = ['LoadForDevice', 'LoadView', 'LoadViews', 'MultiView', 'ViewSet']
