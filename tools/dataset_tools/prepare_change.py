"""Cut and check data of change detection, as `rsp prepare change` does.

python tools/dataset_tools/prepare_change.py cut levir-cd LEVIR-CD data/levir-cd_256
python tools/dataset_tools/prepare_change.py check levir-cd_256 data/levir-cd_256
python tools/dataset_tools/prepare_change.py check cdd data/cdd
"""

import sys
from pathlib import Path

# The checkout this script lies in need not be installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from rsp.cli import main

if __name__ == '__main__':
    main('prepare change', prog='python tools/dataset_tools/prepare_change.py')
