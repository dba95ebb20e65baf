"""Write the lists that split a scene data set, as `rsp prepare split` does.

    python tools/dataset_tools/make_splits.py eurosat resisc45 ucm aid --out lists

See --help.
"""

import sys
from pathlib import Path

# The checkout this script lies in need not be installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from rsp.cli import main

if __name__ == '__main__':
    main('prepare split', prog='python tools/dataset_tools/make_splits.py')
