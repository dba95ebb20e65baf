"""Write the backbone of a checkpoint to a file, as `rsp checkpoint export` does.

python tools/export_backbone.py work_dirs/gersp/r50/epoch_100.pth gersp_r50.pth
"""

import sys
from pathlib import Path

# The checkout this script lies in need not be installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from rsp.cli import main

if __name__ == '__main__':
    main('checkpoint export', prog='python tools/export_backbone.py')
