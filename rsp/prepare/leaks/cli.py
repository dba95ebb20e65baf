"""Parse and run `rsp prepare leaks`."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from rsp.errors import UserError, visible

TEST = ('test_dataloader', 'val_dataloader')


def leaks(parser: ArgumentParser) -> None:
    r"""Find test images, their copies and their ground, in pre-training images.

        %(prog)s data/million_aid/test data/aid --out leaks.json
        %(prog)s configs/gersp/r50.py downstream/classification/r50_aid_probe.py
        %(prog)s data/scenes data/ucm --clean clean.txt

    Near-duplicates are found re-encoded, resized, turned, mirrored, brighter and
    darker, by correlation and a perceptual hash; georeferenced rasters by their
    footprints; --windows finds what was cut out of larger scenes. Of a config, the
    images of training and of testing are taken. The exit code is 1 if there are any.
    docs/transfer.md says how many are found.
    """
    parser.add_argument('pretraining', help='folder of images, or a config')
    parser.add_argument('test', help='folder of images, or a config')
    parser.add_argument('--out', type=Path, help='.json file for all pairs')
    parser.add_argument(
        '--clean',
        type=Path,
        metavar='FILE',
        help="decontaminate: list the folder's other images, for ann_file",
    )
    parser.add_argument(
        '--windows', action='store_true', help='also windows of larger scenes; slower'
    )
    parser.add_argument(
        '--no-footprints',
        dest='footprints',
        action='store_false',
        help='do not compare the ground of rasters',
    )
    parser.add_argument('--workers', type=int, default=4, help='threads that decode')
    parser.set_defaults(run=_leaks)


def _leaks(
    pretraining: str, test: str, out: Path | None, clean: Path | None, **options: Any
) -> int:
    from rich.progress import track

    from rsp.prepare.leaks import guard

    if clean and not Path(pretraining).is_dir():
        raise UserError(
            f"--clean lists files of a folder, got '{pretraining}'; name the folder."
        )
    first = guard.image_files(pretraining, ('train_dataloader',))
    second = guard.image_files(test, TEST)
    hidden = not sys.stdout.isatty()
    found = guard.find_leaks(
        first,
        second,
        watch=lambda items, count: track(items, 'comparing', count, disable=hidden),
        **options,
    )
    print(visible(str(found)))
    if out:
        guard.write_json(found, out)
        print(f'all pairs: {out}')
    if clean:
        count = guard.write_clean_list(found, Path(pretraining), clean)
        print(f'{count} images without them: {clean}')
    return int(bool(found.leaked))
