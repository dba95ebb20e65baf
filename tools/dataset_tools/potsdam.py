"""Cut ISPRS Potsdam into tiles, as `rsp prepare convert potsdam` does.

python tools/dataset_tools/potsdam.py <folder of the download> data/potsdam
"""

import sys
from pathlib import Path

# The checkout this script lies in need not be installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from rsp.cli import main

if __name__ == '__main__':
    main('prepare convert potsdam', prog='python tools/dataset_tools/potsdam.py')
