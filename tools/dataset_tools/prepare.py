"""Write a report and a config of a folder, as `rsp prepare scan` does.

    python tools/dataset_tools/prepare.py data/scenes

See --help.
"""

import sys
from pathlib import Path

# The checkout this script lies in need not be installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from rsp.cli import main

if __name__ == '__main__':
    main('prepare scan', prog='python tools/dataset_tools/prepare.py')
