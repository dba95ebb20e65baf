"""Let the tests import the lists beside them, and share their data."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope='session')
def ground_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the data of all set-ups."""
    import faults

    root = tmp_path_factory.mktemp('ground')
    faults.prepare(root)
    return root
