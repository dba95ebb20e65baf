"""Parse and run the commands on published data sets; see `rsp.cli`."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from rsp.prepare.arguments import add_cluster_arguments, add_download_arguments


def potsdam(parser: ArgumentParser) -> None:
    """Cut ISPRS Potsdam into tiles of 512 px with class numbers, as mmseg splits it.

        %(prog)s downloads/potsdam data/potsdam

    The folder holds 2_Ortho_RGB.zip and 5_Labels_all_noBoundary.zip, zipped or not.
    Gives 3,456 tiles to train and 2,016 to validate; borders become 0, the classes 1 to
    6. Missing files and label colors that mean no class are errors, by name.
    """
    _add_isprs(parser, 'POTSDAM')


def vaihingen(parser: ArgumentParser) -> None:
    """Cut ISPRS Vaihingen into tiles of 512 px with class numbers, as mmseg splits it.

        %(prog)s downloads/vaihingen data/vaihingen

    The folder holds ISPRS_semantic_labeling_Vaihingen.zip and
    ISPRS_semantic_labeling_Vaihingen_ground_truth_eroded_COMPLETE.zip, zipped or not.
    Gives 344 tiles to train and 398 to validate; borders become 0, the classes 1 to 6.
    Missing files and label colors that mean no class are errors, by name.
    """
    _add_isprs(parser, 'VAIHINGEN')


def _add_isprs(parser: ArgumentParser, benchmark: str) -> None:
    add_download_arguments(parser)
    parser.add_argument('--size', type=int, default=512, help='edge of a tile, pixels')
    parser.add_argument(
        '--stride', type=int, default=512, help='pixels between tiles, see the README'
    )
    parser.add_argument(
        '--ignore-unknown',
        action='store_true',
        help='ignore pixels whose color means no class, and say how many',
    )
    parser.set_defaults(run=_convert_isprs, benchmark=benchmark)


def _convert_isprs(benchmark: str, **options: Any) -> None:
    from rsp.prepare.convert import isprs_scenes
    from rsp.prepare.convert.isprs import convert

    convert(getattr(isprs_scenes, benchmark), **options)


def loveda(parser: ArgumentParser) -> None:
    """Put the files of LoveDA into one folder per split.

        %(prog)s downloads/loveda data/loveDA

    The folder holds Train.zip, Val.zip and Test.zip, or what is in them. Gives 2,522
    tiles to train, 1,669 to validate and 1,796 to test, these without masks. Missing
    files are errors, by name.
    """
    add_download_arguments(parser)
    parser.set_defaults(run=_convert_loveda)


def _convert_loveda(**options: Any) -> None:
    from rsp.prepare.convert.loveda import convert

    convert(**options)


def levir_cs(parser: ArgumentParser) -> None:
    """Turn the scenes of Levir_CS into 8-bit color images with masks of cloud and snow.

        %(prog)s downloads/levir_cs data/levir_cs

    Gives 3,068 scenes to train and 1,100 to test. The expected folder names come from
    the file lists of the authors; the archive itself could not be looked at.
    """
    add_download_arguments(parser)
    parser.set_defaults(run=_convert_levir_cs)


def _convert_levir_cs(**options: Any) -> None:
    from rsp.prepare.convert.levir_cs import convert

    convert(**options)


def add_stretch_argument(parser: ArgumentParser) -> None:
    """Add ``--stretch``, see `rsp.io.images.ColorRule`."""
    parser.add_argument(
        '--stretch',
        nargs=2,
        type=float,
        metavar=('LOW', 'HIGH'),
        help='stored values that become 0 and 255, of more than 8 bits',
    )


def tile_images(parser: ArgumentParser) -> None:
    """Cut large images into tiles for pre-training, e.g. the 38 scenes of Potsdam.

        %(prog)s 2_Ortho_RGB data/potsdam_tiles

    gives 24 x 24 tiles of 256 pixels for each scene of 6000 x 6000, 21,888 in all, as
    PNG (no second loss). The last row and column end at the border and so overlap the
    ones before. TIFFs are read by windows; finished tiles are not written again.
    """
    parser.add_argument('scenes', type=Path, help='folder of images')
    parser.add_argument('out', type=Path, help='folder for the tiles')
    parser.add_argument('--size', type=int, default=256, help='edge, pixels')
    parser.add_argument('--stride', type=int, help='pixels; default: the size')
    add_stretch_argument(parser)
    parser.set_defaults(run=_tile_images)


def _tile_images(**options: Any) -> None:
    from rsp.prepare.tile.images import tile_images

    tile_images(**options)


def dota(parser: ArgumentParser) -> None:
    r"""Cut DOTA's images into patches for detectors.

        %(prog)s data/DOTA data/split_ss_dota

    Reads data/DOTA/{train,val,test}/images and .../labelTxt (test has no labels) and
    writes data/split_ss_dota/{train,val,test}/images and .../annfiles: patches of 1024
    pixels that overlap by 200. Multi-scale, as mmrotate's `ms` sets: --gap 500 --rates
    0.5 1.0 1.5. Tiles of 800 pixels that overlap by 160: --size 800 --gap 160.

    Labels are checked first: malformed lines, unknown classes and images without label
    file stop the run with their names. An object stays in each patch that shows at
    least 70 %% of it, with difficulty 2 if a border cuts it; the others are counted and
    named. A second call finishes what was interrupted, and verifies what is there.
    """
    parser.add_argument('root', type=Path, help='folder of DOTA with train, val, test')
    parser.add_argument('out', type=Path, help='folder for the patches')
    parser.add_argument(
        '--splits', nargs='+', help='default: those that are there of train, val, test'
    )
    parser.add_argument('--size', type=int, default=1024, help='side, pixels')
    parser.add_argument('--gap', type=int, default=200, help='overlap, pixels')
    parser.add_argument(
        '--rates', nargs='+', type=float, default=[1.0], help='scales of the image'
    )
    parser.add_argument(
        '--least-share',
        type=float,
        default=0.7,
        help='share of an object that a patch has to show to keep it',
    )
    parser.add_argument(
        '--padding',
        nargs=3,
        type=int,
        default=[104, 116, 124],
        metavar=('BLUE', 'GREEN', 'RED'),
        help='color beyond images smaller than a patch',
    )
    add_stretch_argument(parser)
    _add_dota_version(parser)
    add_cluster_arguments(parser)
    parser.set_defaults(run=_split_dota)


def _add_dota_version(parser: ArgumentParser) -> None:
    parser.add_argument(
        '--version',
        choices=['1.0', '1.5', '2.0'],
        default='1.0',
        help='release of DOTA, of 15, 16 or 18 classes (default: 1.0)',
    )


def _split_dota(
    root: Path,
    out: Path,
    splits: list[str] | None,
    scheduler: str | None,
    workers: int | None,
    **settings: Any,
) -> None:
    from rsp.prepare.tile.dota_settings import Settings
    from rsp.prepare.tile.split_dota import split_dota

    for name in ('rates', 'padding'):
        settings[name] = tuple(settings[name])
    split_dota(root, out, splits, Settings(**settings), scheduler, workers)


def dota_coco(parser: ArgumentParser) -> None:
    r"""Make a COCO json with upright boxes from images or tiles in DOTA's format.

        %(prog)s data/dota_800_640/train data/dota_800_640/train.json
        %(prog)s data/dota_800_640/val data/dota_800_640/val.json --ignore-difficult

    FOLDER holds images/ and annfiles/ (tiles) or labelTxt/ (the original). Malformed
    lines are an error, with file and line; the counts are printed.
    """
    parser.add_argument('folder', help='of one split')
    parser.add_argument('out', help='json to write')
    parser.add_argument(
        '--ignore-difficult',
        action='store_true',
        help='mark difficult objects as iscrowd: no mistake if found, none if not',
    )
    _add_dota_version(parser)
    parser.set_defaults(run=_convert_dota_coco)


def _convert_dota_coco(
    folder: str, out: str, ignore_difficult: bool, version: str
) -> None:
    from rsp.prepare.convert.dota_to_coco import convert, write

    made = convert(folder, ignore_difficult, version)
    write(made, out)
    print(f"'{out}': {made}")


def cut_change(parser: ArgumentParser) -> None:
    """Cut the large pairs of a change detection data set into small ones, check them.

        %(prog)s levir-cd downloads/LEVIR-CD data/levir-cd_256

    Makes 7,120 / 1,024 / 2,048 pairs of 256 pixels from LEVIR-CD's 445 / 64 / 128 of
    1024. Layout: <split>/A, <split>/B and <split>/label.
    """
    parser.add_argument('name', choices=['levir-cd'])
    parser.add_argument('source', type=Path, help='folder of the original data')
    parser.add_argument('folder', type=Path, help='folder to write to')
    parser.set_defaults(run=_cut_change)


def _cut_change(name: str, source: Path, folder: Path) -> int:
    from rsp.prepare.convert.change_pairs import cut

    cut(name, source, folder)
    return _check_change(f'{name}_256', folder)


def check_change(parser: ArgumentParser) -> None:
    """Check the pairs of a change detection data set.

        %(prog)s levir-cd_256 data/levir-cd_256
        %(prog)s cdd data/cdd

    Decodes every file, compares the counts with the published ones, and names files
    without a partner, of another size, or that are no mask; the exit code is 1 if there
    is any. Layout: <split>/A, <split>/B and <split>/label (CDD: OUT).
    """
    parser.add_argument('name', choices=['cdd', 'levir-cd', 'levir-cd_256'])
    parser.add_argument('folder', type=Path)
    parser.set_defaults(run=_check_change)


def _check_change(name: str, folder: Path) -> int:
    from rsp.prepare.convert.change_pairs import check

    reports = check(name, folder)
    print(*reports, sep='\n')
    return int(any(report.problems for report in reports))


def check_dior(parser: ArgumentParser) -> None:
    """Compare a folder with the published DIOR: file names, counts of images and boxes.

        %(prog)s data/DIOR

    Exit code 1 if anything differs. The command check on a config of DIOR reads the
    files themselves: classes, boxes, images.
    """
    parser.add_argument('root', nargs='?', default='data/DIOR', help='of the data set')
    parser.set_defaults(run=_check_dior)


def _check_dior(root: str) -> None:
    from rsp.tasks.detection import dior

    found = dior.differences(root)
    if found:
        sys.exit('\n'.join([f"'{root}' is not the published DIOR:", *found]))
    images = dior.PUBLISHED_IMAGES['trainval'] + dior.PUBLISHED_IMAGES['test']
    print(f"'{root}': {images} images and {dior.PUBLISHED_BOXES} boxes as published.")


CHANGE = {'check': check_change, 'cut': cut_change}
CONVERT = {
    'dota': dota,
    'dota-coco': dota_coco,
    'levir-cs': levir_cs,
    'loveda': loveda,
    'potsdam': potsdam,
    'vaihingen': vaihingen,
}
