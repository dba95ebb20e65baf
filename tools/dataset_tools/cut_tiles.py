"""Cut large images into tiles, as `rsp prepare tile-images` does.

python tools/dataset_tools/cut_tiles.py 2_Ortho_RGB data/potsdam_tiles
"""

import sys
from pathlib import Path

# The checkout this script lies in need not be installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from rsp.cli import main

if __name__ == '__main__':
    main('prepare tile-images', prog='python tools/dataset_tools/cut_tiles.py')
