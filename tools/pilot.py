"""Tell what a training will cost, as `rsp pilot` does.

python tools/pilot.py configs/gersp/r50.py --seconds 60
"""

import sys
from pathlib import Path

# The checkout this script lies in need not be installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from rsp.cli import main

if __name__ == '__main__':
    main('pilot', prog='python tools/pilot.py')
