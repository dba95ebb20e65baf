"""Label georeferenced images by a land-cover map, for GeoKR.

    python tools/dataset_tools/make_land_cover_labels.py SCENES LANDCOVER OUT

    SCENES      folder of GeoTIFFs, searched with its sub-folders
    LANDCOVER   raster of classes, or a folder of them (tiles, any reference system)
    OUT         folder for labels.jsonl, report.md, report.json and map.png

gives one label per file; with --crop-size 256 --stride 200 one per window of a grid.
The class map is taken from official file names or colors where that is certain;
otherwise name one (globeland30, worldcover, nlcd, corine, corine-level3, cdl,
dynamic-world, esri) or a .json file of {"code": "class"}. An interrupted run goes on
where it stopped. What gets no label is listed with its reason in the report.
"""

import argparse
import sys
from pathlib import Path

# The checkout this script lies in need not be installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from rsp.errors import UserError, report_user_errors
from rsp.geo.land_cover.zonal import LandCover
from rsp.prepare.jobs import add_cluster_arguments
from rsp.prepare.label.folder import label_folder, list_scenes
from rsp.prepare.label.job import Plan
from rsp.prepare.label.map_figure import draw_map
from rsp.prepare.label.report import lines_of, summarize, write_report


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('scenes', type=Path, help='folder of georeferenced images')
    parser.add_argument('land_cover', type=Path, help='raster or folder of rasters')
    parser.add_argument('out', type=Path, help='folder for the result')
    parser.add_argument('--class-map', help='name of a class map or a .json file')
    parser.add_argument('--crop-size', type=int, help='edge of a window, pixels')
    parser.add_argument('--stride', type=int, help='pixels; default: the crop size')
    parser.add_argument(
        '--low-coverage',
        type=float,
        default=0.5,
        help='list windows of which a smaller share is known (default: 0.5)',
    )
    parser.add_argument('--no-map', action='store_true', help='leave the picture out')
    add_cluster_arguments(parser)
    return parser.parse_args()


def make_labels(args: argparse.Namespace) -> None:
    """Label, report and draw.

    Raises:
        ValueError: If not a single window got a label.
    """
    land_cover = LandCover(args.land_cover, args.class_map)
    rasters = [str(raster.path) for raster in land_cover.rasters]
    plan = Plan(
        str(args.scenes),
        rasters,
        args.class_map or land_cover.class_map.name,
        args.crop_size,
        args.stride,
        args.low_coverage,
    )
    results = label_folder(plan, args.out, args.scheduler, args.workers)
    summary = summarize(results, land_cover.class_map, land_cover.notes)
    picture = None
    if not args.no_map:
        names = list_scenes(args.scenes, rasters, args.out)
        labelled = {name for result in results for name in result['images']}
        if draw_map(land_cover, args.scenes, names, labelled, args.out / 'map.png'):
            picture = 'map.png'
    write_report(args.out, summary, picture)
    print(*lines_of(summary), f"see '{args.out / 'report.md'}'.", sep='\n')
    if not summary['labelled']:
        raise UserError(
            f"expected land cover under '{args.scenes}', found none under any window; "
            f"see '{args.out / 'report.md'}' for the reasons."
        )


def main() -> None:
    args = parse_args()
    with report_user_errors():
        make_labels(args)


if __name__ == '__main__':
    main()
