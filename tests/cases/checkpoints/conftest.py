"""Let the tests of this folder import `official`, the formats of released files."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / 'checkpoints'))
