"""Cut georeferenced scenes into tiles of one size, as `rsp prepare tile` does.

    python tools/dataset_tools/tile_scenes.py data/scenes data/tiles

See --help.
"""

import sys
from pathlib import Path

# The checkout this script lies in need not be installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from rsp.cli import main

if __name__ == '__main__':
    main('prepare tile', prog='python tools/dataset_tools/tile_scenes.py')
