"""Inspect, convert and verify checkpoints, as `rsp checkpoint` does.

python tools/checkpoint.py inspect FILE
python tools/checkpoint.py convert FILE OUT --to timm
python tools/checkpoint.py verify OUT --against timm:resnet50 --source FILE
"""

import sys
from pathlib import Path

# The checkout this script lies in need not be installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from rsp.cli import main

if __name__ == '__main__':
    main('checkpoint', prog='python tools/checkpoint.py')
