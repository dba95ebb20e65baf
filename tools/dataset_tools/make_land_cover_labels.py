"""Label georeferenced images by a land-cover map, as `rsp prepare label` does.

python tools/dataset_tools/make_land_cover_labels.py SCENES LANDCOVER OUT
"""

import sys
from pathlib import Path

# The checkout this script lies in need not be installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from rsp.cli import main

if __name__ == '__main__':
    main('prepare label', prog='python tools/dataset_tools/make_land_cover_labels.py')
