r"""Make a COCO json from DOTA, as `rsp prepare convert dota-coco` does.

python tools/dataset_tools/dota_to_coco.py data/dota_800_640/train \
        data/dota_800_640/train.json
"""

import sys
from pathlib import Path

# The checkout this script lies in need not be installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from rsp.cli import main

if __name__ == '__main__':
    main('prepare convert dota-coco', prog='python tools/dataset_tools/dota_to_coco.py')
