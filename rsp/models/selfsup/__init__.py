"""Pre-train: one method per file."""

from rsp.models.selfsup.cmid import CMID
from rsp.models.selfsup.geokr import GeoKR
from rsp.models.selfsup.gersp import GeRSP
from rsp.models.selfsup.moco import MoCo

__all__ = ['CMID', 'GeRSP', 'GeoKR', 'MoCo']
