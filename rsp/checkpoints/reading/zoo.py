"""List weights that others released: their names, and where their authors keep them.

Nothing is downloaded from here: the pages link to stores that ask for a click. Licenses
are what the authors state; where they state none, that is said.
"""

from dataclasses import dataclass
from pathlib import Path

from rsp.errors import MissingData

# Where `find_weights` looks for the files by name.
FOLDER = Path('checkpoints')
NON_COMMERCIAL = 'no license file; the README forbids commercial use'


@dataclass(frozen=True)
class Weights:
    """Describe one released file.

    Attributes:
        name: Short name, and the file's own without its ending.
        architecture: E.g. ``'ResNet-50'``.
        data: What it was trained on.
        page: Where its authors link to it.
        license: As the authors state it.
        format: Key of the format in `rsp.checkpoints.formats`.
    """

    name: str
    architecture: str
    data: str
    page: str
    license: str
    format: str


_GERSP = 'https://github.com/floatingstarZ/GeRSP'
_CMID = 'https://github.com/NJU-LHRS/official-CMID'

WEIGHTS: dict[str, Weights] = {
    weights.name: weights
    for weights in (
        Weights('gersp_r50_100e', 'ResNet-50', 'ImageNet-1k, Million-AID', _GERSP,
                'not stated', 'gersp'),
        Weights('gersp_r50_200e', 'ResNet-50', 'ImageNet-1k, Million-AID', _GERSP,
                'not stated', 'gersp'),
        Weights('cmid_r50_maid', 'ResNet-50', 'Million-AID', _CMID, NON_COMMERCIAL,
                'cmid'),
        Weights('cmid_swin-b_maid', 'Swin-B', 'Million-AID', _CMID, NON_COMMERCIAL,
                'cmid'),
        Weights('cmid_r50_potsdam', 'ResNet-50', 'Potsdam', _CMID, NON_COMMERCIAL,
                'cmid'),
        Weights('cmid_swin-b_potsdam', 'Swin-B', 'Potsdam', _CMID, NON_COMMERCIAL,
                'cmid'),
    )
}  # fmt: skip


def find_weights(source: str | Path) -> str | Path:
    """Return the file behind a short name; a path or an address is returned as it is.

    Args:
        source: E.g. ``'gersp_r50_200e'``, then ``checkpoints/gersp_r50_200e.*``.

    Raises:
        MissingData: If a known name's file is not there; tells where it is from.
    """
    weights = WEIGHTS.get(str(source))
    if weights is None or Path(source).exists():
        return source
    for file in sorted(FOLDER.glob(f'{weights.name}.*')):
        return file
    raise MissingData(
        f"no file of '{weights.name}' in {FOLDER}/; download it from {weights.page} "
        f'(license: {weights.license}) and save it as {FOLDER}/{weights.name}.pth.'
    )
