"""Skips what needs the `geo` extra where it is not installed."""

import pytest

for package in ('rasterio', 'pyproj', 'shapely', 'distributed'):
    pytest.importorskip(package, reason="needs the 'geo' extra")
