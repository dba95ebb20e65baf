"""Find the recorded numbers of the official implementations."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

DEFAULT = Path(__file__).parents[3] / 'shared' / 'reference'


@pytest.fixture
def load_reference():
    """Return a function that reads one recording, or skips if it is absent."""
    folder = Path(os.environ.get('RSP_REFERENCE_DIR', DEFAULT))

    def load(name: str) -> dict[str, Any]:
        file = folder / name
        if not file.is_file():
            pytest.skip(f'no recording at {file}; set RSP_REFERENCE_DIR')
        if file.suffix == '.json':
            return json.loads(file.read_text())
        return dict(np.load(file))

    return load
