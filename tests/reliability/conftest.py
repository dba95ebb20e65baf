"""Start one server of trainings for all tests of this folder."""

import sys

import pytest
from reliability.jobs import fork_server


@pytest.fixture(scope='session')
def server(tmp_path_factory):
    """Talk to a server that starts trainings in a second each."""
    if sys.platform != 'linux':
        pytest.skip('looks for processes in /proc')
    pytest.importorskip('rasterio', reason="needs the 'geo' extra")
    pytest.importorskip('mmdet')
    pytest.importorskip('mmseg')
    with fork_server(tmp_path_factory.mktemp('server') / 'log') as server:
        yield server
