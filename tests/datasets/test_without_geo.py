import subprocess
import sys

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
