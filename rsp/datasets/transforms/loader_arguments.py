"""Check what the loader of images is told about bands."""

from collections.abc import Mapping, Sequence
from typing import Any

from rsp.errors import UserError
from rsp.ops import check


def whole_images(bands: Any, reflectance: Mapping[str, Any] | None) -> Any:
    """Return the reader of named or physical bands, `WholeImages`.

    Raises:
        UserError: If rasterio is not installed.
    """
    # Only images of other than 8-bit colors need rasterio.
    try:
        from rsp.geo.bands.whole_images import WholeImages
    except ModuleNotFoundError as error:
        raise UserError(
            "expected rasterio for 'reflectance' and names of 'bands' of "
            f"rsp.LoadImageFromFile ({error}); pip install 'rsp-pretrain[geo]'."
        ) from error
    return WholeImages.of(bands, reflectance)


def three_positions(shown: Sequence[int]) -> tuple[int, ...]:
    """Return three positions of bands, from 1.

    Raises:
        UserError: If they are others.
    """
    name = "'shown' of rsp.LoadImageFromFile"
    check.equal(f'number of {name} to be', len(shown), 3, 'give three')
    for position in shown:
        check.at_least(name, position, 1)
    return tuple(shown)
