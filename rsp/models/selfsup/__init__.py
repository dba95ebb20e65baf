"""Pre-train: one method per file."""

from rsp.models.selfsup.cmid import CMID
from rsp.models.selfsup.geokr import GeoKR
from rsp.models.selfsup.gersp import GeRSP

__all__ = ['CMID', 'GeRSP', 'GeoKR']
