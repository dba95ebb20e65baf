"""Cut ISPRS Vaihingen into tiles, as `rsp prepare convert vaihingen` does.

python tools/dataset_tools/vaihingen.py <folder of the download> data/vaihingen
"""

import sys
from pathlib import Path

# The checkout this script lies in need not be installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from rsp.cli import main

if __name__ == '__main__':
    main('prepare convert vaihingen', prog='python tools/dataset_tools/vaihingen.py')
