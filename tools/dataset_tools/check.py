r"""Look through all data of a downstream config, as `rsp prepare check` does.

python tools/dataset_tools/check.py \
        configs/downstream/detection/faster-rcnn_r50_dior.py
"""

import sys
from pathlib import Path

# The checkout this script lies in need not be installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from rsp.cli import main

if __name__ == '__main__':
    main('prepare check', prog='python tools/dataset_tools/check.py')
