"""Compare a folder with the published DIOR, as `rsp prepare check-dior` does.

python tools/dataset_tools/check_dior.py data/DIOR
"""

import sys
from pathlib import Path

# The checkout this script lies in need not be installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from rsp.cli import main

if __name__ == '__main__':
    main('prepare check-dior', prog='python tools/dataset_tools/check_dior.py')
