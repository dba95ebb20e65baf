"""Pack a folder of images into few large files, as `rsp prepare pack` does.

    python tools/dataset_tools/pack.py data/million_aid data/million_aid_256

See --help.
"""

import sys
from pathlib import Path

# The checkout this script lies in need not be installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from rsp.cli import main

if __name__ == '__main__':
    main('prepare pack', prog='python tools/dataset_tools/pack.py')
