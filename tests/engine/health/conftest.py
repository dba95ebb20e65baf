"""Let the tests import the lists beside them."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
