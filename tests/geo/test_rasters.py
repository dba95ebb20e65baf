import multiprocessing
import pickle
import threading

import numpy as np
import pytest
import rasterio
from affine import Affine

from rsp.geo.rasters import OpenRasters, georeference, open_raster

NORTH_UP = Affine(10, 0, 500_000, 0, -10, 5_000_000)

NO_WARNING = pytest.mark.filterwarnings(
    'ignore::rasterio.errors.NotGeoreferencedWarning'
)


def write(path, value=1, crs='EPSG:32633', transform=NORTH_UP):
    profile = dict(driver='GTiff', width=8, height=8, count=1, dtype='uint8')
    with rasterio.open(path, 'w', **profile, crs=crs, transform=transform) as file:
        file.write(np.full((1, 8, 8), value, np.uint8))
    return path


@pytest.fixture
def files(tmp_path):
    return [write(tmp_path / f'{n}.tif', n) for n in range(5)]


def test_a_file_is_opened_once(files):
    rasters = OpenRasters()
    assert rasters(files[0]) is rasters(str(files[0]))
    assert len(rasters) == 1


def test_the_one_unused_for_longest_is_closed(files):
    rasters = OpenRasters(limit=2)
    first, second = rasters(files[0]), rasters(files[1])
    rasters(files[0])
    rasters(files[2])
    assert second.closed
    assert not first.closed
    assert len(rasters) == 2
    assert rasters(files[1]).read(1)[0, 0] == 1
    rasters.close()
    assert first.closed
    assert len(rasters) == 0


def test_every_thread_has_its_own_handles(files):
    rasters = OpenRasters(limit=3)
    mine = rasters(files[0])
    theirs = []
    thread = threading.Thread(target=lambda: theirs.append(rasters(files[0])))
    thread.start()
    thread.join()
    assert theirs[0] is not mine
    assert len(rasters) == 1


def handle_of_child(rasters, file, inherited, answers):
    handle = rasters(file)
    answers.put((handle is inherited, int(handle.read(1)[0, 0]), rasters.limit))


def test_a_forked_worker_opens_its_own(files):
    rasters = OpenRasters(limit=3)
    inherited = rasters(files[4])
    context = multiprocessing.get_context('fork')
    answers = context.Queue()
    arguments = (rasters, files[4], inherited, answers)
    child = context.Process(target=handle_of_child, args=arguments)
    child.start()
    assert answers.get(timeout=60) == (False, 4, 3)
    child.join()


def test_a_pickled_one_starts_empty(files):
    rasters = OpenRasters(limit=3)
    rasters(files[0])
    copy = pickle.loads(pickle.dumps(rasters))
    assert (copy.limit, len(copy)) == (3, 0)


def test_the_limit_is_at_least_one():
    with pytest.raises(ValueError, match='open files of at least 1, got 0'):
        OpenRasters(0)


def test_a_missing_file_is_told_from_a_broken_one(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no raster '.*gone\.tif'"):
        open_raster(tmp_path / 'gone.tif')
    (tmp_path / 'broken.tif').write_bytes(b'II*\0 and no more')
    with pytest.raises(ValueError, match=r"GDAL can read, got '.*broken\.tif'"):
        open_raster(tmp_path / 'broken.tif')


def test_georeference(files, tmp_path):
    transform, crs = georeference(open_raster(files[0]))
    assert transform == NORTH_UP
    assert crs.to_epsg() == 32633


def test_what_has_no_reference_system_is_refused(tmp_path):
    file = write(tmp_path / 'nowhere.tif', crs=None)
    with pytest.raises(ValueError, match=r'reference system .* nowhere.tif|got none'):
        georeference(open_raster(file))


@NO_WARNING
def test_what_has_no_transform_is_refused(tmp_path):
    file = write(tmp_path / 'nowhere.tif', transform=None)
    with pytest.raises(ValueError, match=r'geotransform in .*nowhere\.tif'):
        georeference(open_raster(file))


@NO_WARNING
def test_a_georeference_beside_the_file_is_found(tmp_path):
    """Our settings of GDAL keep it from listing folders, not from looking there."""
    file = write(tmp_path / 'scene.tif', transform=None)
    (tmp_path / 'scene.tfw').write_text('10\n0\n0\n-10\n500005\n4999995\n')
    assert georeference(open_raster(file))[0] == NORTH_UP
