import sys
from pathlib import Path

# Beside the tests, so that it runs as a script, too.
sys.path.insert(0, str(Path(__file__).parent))
