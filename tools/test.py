r"""Evaluate a checkpoint with the test of a config, as `rsp test` does.

python tools/test.py configs/downstream/classification/r50_aid_probe.py \
        work_dirs/gersp/r50/epoch_100.pth
"""

import sys
from pathlib import Path

# The checkout this script lies in need not be installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from rsp.cli import main

if __name__ == '__main__':
    main('test', prog='python tools/test.py')
