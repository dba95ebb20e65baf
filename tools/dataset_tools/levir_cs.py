"""Convert the scenes of Levir_CS, as `rsp prepare convert levir-cs` does.

python tools/dataset_tools/levir_cs.py <unpacked folder> data/levir_cs
"""

import sys
from pathlib import Path

# The checkout this script lies in need not be installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from rsp.cli import main

if __name__ == '__main__':
    main('prepare convert levir-cs', prog='python tools/dataset_tools/levir_cs.py')
