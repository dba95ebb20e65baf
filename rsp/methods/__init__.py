"""The methods, one story per file."""

from .cmid import CMID
from .geokr import GeoKR
from .gersp import GeRSP

__all__ = ['CMID', 'GeRSP', 'GeoKR']
