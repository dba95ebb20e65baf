"""Move the files of LoveDA where segmentation data sets keep theirs."""

import re
from collections.abc import Callable
from pathlib import Path

from rsp.errors import UserError, shorten
from rsp.prepare.convert.archives import Reader, list_files
from rsp.prepare.convert.manifest import SHOWN, Manifest, refuse_missing

PUBLISHED = dict(train=2522, val=1669, test=1796)
PLACE = re.compile(
    r'(?:.*/)?(Train|Val|Test)/(Rural|Urban)/(images_png|masks_png)/([^/.][^/]*\.png)'
)


def convert(
    source: Path,
    out: Path,
    partial: bool = False,
    report: Callable[[str], None] = print,
) -> dict[str, int]:
    """Copy town and country into one folder per split, byte by byte.

    Args:
        source: Folder with ``Train.zip``, ``Val.zip`` and ``Test.zip``, or with what is
            in them.
        out: Folder for ``img_dir/{train,val,test}`` and ``ann_dir/{train,val}``.
        partial: Whether a part of the published data will do.
        report: Takes a line of progress.

    Returns:
        Tiles by split.

    Raises:
        MissingData: If a split is missing.
        UserError: If images and masks do not pair up, two tiles have one name, or
            tiles are not as many as published.
    """
    files = _sort(list_files(source))
    splits = [split for split in PUBLISHED if f'img_dir/{split}' in files]
    missing = [s.capitalize() for s in PUBLISHED if s not in splits]
    refuse_missing('LoveDA', source, missing, partial and bool(splits))
    for split in (s for s in splits if s != 'test'):
        _refuse_unpaired(split, files)
    manifest = Manifest('LoveDA', out)
    for folder, members in files.items():
        for name, (_, read) in members.items():
            manifest.write(folder, name, read())
        report(f'{folder}: {len(members)} files')
    return manifest.finish(None if partial else PUBLISHED, report)


def _sort(files: dict[str, Reader]) -> dict[str, dict[str, tuple[str, Reader]]]:
    """Sort files by the folder they go to, and by name."""
    targets = dict(images_png='img_dir', masks_png='ann_dir')
    found: dict[str, dict[str, tuple[str, Reader]]] = {}
    for path, read in files.items():
        place = PLACE.fullmatch(path)
        if place is None:
            continue
        split, _, folder, name = place.groups()
        members = found.setdefault(f'{targets[folder]}/{split.lower()}', {})
        if name in members:
            raise UserError(
                f"expected every tile once, got '{members[name][0]}' and '{path}'."
            )
        members[name] = (path, read)
    return found


def _refuse_unpaired(split: str, files: dict) -> None:
    images, masks = files[f'img_dir/{split}'], files.get(f'ann_dir/{split}', {})
    single = sorted(images.keys() ^ masks.keys())
    if single:
        raise UserError(
            f'expected an image and a mask of every tile of {split}, got one of both '
            f'for {len(single)}: {shorten(single, SHOWN)}; is the download complete?'
        )
