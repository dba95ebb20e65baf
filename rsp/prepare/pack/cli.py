"""Parse and run ``rsp prepare pack``; see `rsp.cli`."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from rsp.errors import visible
from rsp.prepare.arguments import add_cluster_arguments
from rsp.prepare.convert.cli import add_stretch_argument


def pack(parser: ArgumentParser) -> None:
    r"""Pack a folder of images into few large files, which training reads faster.

        %(prog)s data/million_aid data/million_aid_256
        %(prog)s data/million_aid data/million_aid_raw --raw

    Images are shrunk to a short side of 256 pixels (antialiased, never enlarged) and
    stored as JPEG in one LMDB file; JPEGs that are small enough keep their bytes.
    --keep stores all files as they are, of any bands. --raw stores pixels: no decoding,
    and about eight times the disk. A data set reads the store by a line of its config:

        store='data/million_aid_256'

    with names, labels and order as in the folder. An interrupted call resumes; a call
    on a finished store verifies it. manifest.json tells source, counts and what was
    done.
    """
    parser.add_argument('folder', type=Path, help='images, also in sub-folders')
    parser.add_argument('out', type=Path, help='folder for the store')
    parser.add_argument(
        '--short-side',
        type=int,
        default=256,
        help='pixels of the shorter side (default: 256)',
    )
    parser.add_argument(
        '--quality', type=int, default=90, help='of JPEGs, 1 to 100 (default: 90)'
    )
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument('--keep', action='store_true', help='store files as they are')
    kind.add_argument('--raw', action='store_true', help='store pixels, not JPEGs')
    add_stretch_argument(parser)
    parser.add_argument(
        '--skip-bad', action='store_true', help='leave out what cannot be read, by name'
    )
    add_cluster_arguments(parser)
    parser.set_defaults(run=_pack)


def _pack(
    folder: Path,
    out: Path,
    skip_bad: bool,
    scheduler: str | None,
    workers: int | None,
    **settings: Any,
) -> None:
    from rsp.prepare.pack.folder import describe, pack_folder
    from rsp.prepare.pack.settings import PackSettings

    manifest = pack_folder(
        folder,
        out,
        PackSettings(**settings),
        skip_bad,
        scheduler=scheduler,
        workers=workers,
    )
    print(visible(describe(manifest, out)))
