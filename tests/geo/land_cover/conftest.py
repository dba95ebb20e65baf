"""A raster of many codes, for the tests of this folder."""

import numpy as np
import pytest
from cover_rasters import write_cover

from rsp.geo.land_cover.zonal import LandCover


@pytest.fixture(scope='module')
def mixed(tmp_path_factory):
    """Return a map of random classes, no data, sea and one unknown code; its codes."""
    rng = np.random.default_rng(0)
    values = np.array([0, 10, 20, 30, 60, 71, 75, 80, 90, 100, 255, 33], np.uint8)
    codes = rng.choice(values, (70, 90))
    file = write_cover(tmp_path_factory.mktemp('mixed') / 'cover.tif', codes)
    return LandCover(file, 'globeland30'), codes
