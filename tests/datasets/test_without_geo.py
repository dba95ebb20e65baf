import subprocess
import sys

import pytest

from rsp.errors import BrokenFile, UserError
from rsp.io.images import read_info, read_picture, read_stored

BLOCKED = """
import sys
for name in ('rasterio', 'pyproj', 'shapely', 'distributed'):
    sys.modules[name] = None
import rsp
from rsp.datasets import SceneDataset
try:
    SceneDataset('somewhere')
except ValueError as error:
    print(error)
"""


def test_rsp_imports_without_the_extra_and_says_what_is_missing():
    answer = subprocess.run(
        [sys.executable, '-c', BLOCKED], capture_output=True, text=True, check=True
    )
    assert 'expected rasterio' in answer.stdout
    assert "pip install 'rsp-pretrain[geo]'" in answer.stdout


@pytest.mark.parametrize('name', ['broken.jpg', 'broken.JPEG', 'broken.png'])
def test_a_damaged_photo_is_not_blamed_on_a_missing_package(
    tmp_path, monkeypatch, name
):
    monkeypatch.setitem(sys.modules, 'rasterio', None)
    file = tmp_path / name
    file.write_bytes(b'no photo, but text of a server')
    for read in (read_info, read_picture, read_stored):
        with pytest.raises(BrokenFile, match='neither a JPEG nor a PNG'):
            read(file)
    # What rasterio could read is left to it, whatever the name.
    file.write_bytes(b'II*\0 and so on, a TIFF')
    with pytest.raises(UserError, match=r'rsp-pretrain\[geo\]'):
        read_picture(file)
