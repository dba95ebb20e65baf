"""Cut DOTA's images into patches, as `rsp prepare convert dota` does.

python tools/dataset_tools/split_dota.py data/DOTA data/split_ss_dota
"""

import sys
from pathlib import Path

# The checkout this script lies in need not be installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from rsp.cli import main

if __name__ == '__main__':
    main('prepare convert dota', prog='python tools/dataset_tools/split_dota.py')
