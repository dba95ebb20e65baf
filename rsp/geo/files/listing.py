"""List the rasters that a folder, a pattern or a list means."""

import glob
import os
from collections.abc import Sequence
from pathlib import Path

from rsp.errors import MissingData, UserError, shorten
from rsp.geo.rasters import ENDINGS, IMAGE_ENDINGS, rasters_below
from rsp.io.files import is_hidden

Source = str | os.PathLike | Sequence[str | os.PathLike]


def _is_left(file: str, pattern: str) -> bool:
    """Tell whether what a pattern leaves open is hidden; what it names is meant."""
    return any(map(is_hidden, {*Path(file).parts} - {*Path(pattern).parts}))


def list_files(source: Source, extensions: Sequence[str]) -> tuple[Path, list[Path]]:
    """Return the folder, and the sorted files, that a source means.

    Raises:
        MissingData: If the folder, or a file of a list, is missing.
        UserError: If there is no file, or one whose name GDAL cannot open.
    """
    if not isinstance(source, str | os.PathLike):
        return _listed([Path(file) for file in source])
    text = os.fspath(source)
    if glob.has_magic(text) and not os.path.exists(text):
        files = [
            Path(file)
            for file in glob.glob(text, recursive=True)
            if os.path.isfile(file) and not _is_left(file, text)
        ]
        if not files:
            raise UserError(f"expected files like '{text}', found none.")
        parts = Path(text).parts
        fixed = [*iter(parts)][: [glob.has_magic(part) for part in parts].index(True)]
        return Path(*fixed), sorted(files)
    root = Path(source)
    if not root.is_dir():
        raise MissingData(
            f"expected a folder of scenes at '{root}', there is none; put the scenes "
            'there, or name another folder, a pattern or a list of files.'
        )
    endings = tuple(ending.lower() for ending in extensions)
    files = rasters_below(root, endings)
    if not files and extensions == ENDINGS:
        # PNG and the like hold previews of rasters, but are scenes without these.
        endings = (*ENDINGS, *IMAGE_ENDINGS)
        files = rasters_below(root, endings)
    if not files:
        raise UserError(
            f"expected scenes in '{root}', found none. Endings looked for: "
            f'{", ".join(endings)}.'
        )
    return root, files


def _listed(files: list[Path]) -> tuple[Path, list[Path]]:
    if not files:
        raise UserError('expected a list of scenes, got an empty one.')
    missing = [str(file) for file in files if not file.is_file()]
    if missing:
        raise MissingData(
            f'{len(missing)} of the {len(files)} scenes listed are missing: '
            f'{shorten(missing)}.'
        )
    root = Path(os.path.commonpath([os.path.abspath(f.parent) for f in files]))
    return root, sorted({Path(os.path.abspath(file)) for file in files})
