"""Train a config, as `rsp train` does.

python tools/train.py configs/gersp/r50.py --auto-scale-lr
"""

import sys
from pathlib import Path

# The checkout this script lies in need not be installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from rsp.cli import main

if __name__ == '__main__':
    main('train', prog='python tools/train.py')
