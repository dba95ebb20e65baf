"""Put LoveDA into one folder per split, as `rsp prepare convert loveda` does.

python tools/dataset_tools/loveda.py <folder of the download> data/loveDA
"""

import sys
from pathlib import Path

# The checkout this script lies in need not be installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from rsp.cli import main

if __name__ == '__main__':
    main('prepare convert loveda', prog='python tools/dataset_tools/loveda.py')
