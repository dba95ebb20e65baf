"""The methods, one story per file."""

from .gersp import GeRSP

__all__ = ['GeRSP']
