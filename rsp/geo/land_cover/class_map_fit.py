"""Refuse a class map that is not that of the rasters."""

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

from affine import Affine
from rasterio.crs import CRS

from rsp.errors import UserError
from rsp.geo.footprint import Footprint
from rsp.geo.land_cover.class_maps import ClassMap, describe_class_maps, guess_class_map
from rsp.geo.land_cover.class_tables import TABLES
from rsp.geo.land_cover.rasters import LandCoverRaster, sample_codes
from rsp.geo.windows.window import Window

# Share of the cells whose code a class map may not list. A table lists all codes of its
# product; a class map of one's own may leave many out on purpose.
MOST_UNKNOWN_OF_TABLE, MOST_UNKNOWN_OF_OWN = 0.1, 0.9
# What programs fill collars with, unasked and undeclared: no sign of another product.
FILL = frozenset({0, 127, 255, -128, 32767, -32768, 65535, -9999})
# Scenes whose middle is looked at, and its largest edge in pixels.
SAMPLED, EDGE = 32, 256


def refuse_other_product(
    rasters: Sequence[LandCoverRaster], class_map: ClassMap
) -> None:
    """Refuse the table of one product over official files of another.

    Products share codes: GlobeLand30's table lists every code of WorldCover, with other
    classes.

    Args:
        rasters: Of the map.
        class_map: Chosen one; one of one's own, or a changed table, is never refused.

    Raises:
        UserError: If names or color tables and codes tell another table with certainty.
    """
    if class_map.name not in TABLES:
        return
    for raster in rasters:
        name, colors = raster.path.stem, raster.colors
        # Codes last: they have to be read.
        if guess_class_map(name, colors, ()) in (None, class_map.name):
            continue
        product = guess_class_map(name, colors, sample_codes(raster))
        if product not in (None, class_map.name):
            raise UserError(
                f"expected a map of '{class_map.name}', as the class map says, got "
                f"'{raster.path}', whose name or colors are those of '{product}'; set "
                f"class_map='{product}' (--class-map {product}), or, if its codes were "
                f"changed, class_map=dict(base='{class_map.name}')."
            )


def refuse_misfit(land_cover: Any, grounds: Iterable[Footprint]) -> Counter[int]:
    """Refuse a class map that lists too few of the codes below scenes.

    Args:
        land_cover: `rsp.geo.land_cover.zonal.LandCover`.
        grounds: Parts of the scenes, see `evenly` and `middle`.

    Returns:
        Cells of the codes that it does not list; few enough to go on.

    Raises:
        UserError: If more than 10 % of the cells have such codes, for one of the
            tables, or 90 % for a class map of one's own.
    """
    class_map, known, unknown = land_cover.class_map, 0.0, Counter[int]()
    for ground in grounds:
        with suppress(UserError):  # Told when the ground itself is labeled.
            cover = land_cover.count(ground)
            known += cover.counts.sum()
            unknown.update(cover.unknown_codes)
    strange = {code: n for code, n in unknown.items() if code not in FILL}
    of_table = class_map.name in TABLES
    most = MOST_UNKNOWN_OF_TABLE if of_table else MOST_UNKNOWN_OF_OWN
    total = known + sum(strange.values())
    if sum(strange.values()) > most * total:
        raise UserError(
            f"expected codes of the class map '{class_map.name}' below the scenes, got "
            f'others on {sum(strange.values()) / total:.0%} of the ground: it is the '
            "class map of another product; name the right one by 'class_map' "
            f'(--class-map), {describe_class_maps(strange)}; or list all codes in a '
            '.json file of code: class.'
        )
    return unknown


def evenly(scenes: Sequence[Any]) -> Sequence[Any]:
    """Return some of many scenes, spread over the list."""
    return scenes[:: -(-len(scenes) // SAMPLED) or 1]


def middle(transform: Affine, crs: CRS, height: int, width: int) -> Footprint:
    """Return the ground of the middle of a scene of so many pixels."""
    high, wide = min(height, EDGE), min(width, EDGE)
    window = Window((height - high) // 2, (width - wide) // 2, high, wide)
    return Footprint.from_window(transform, crs, window)
