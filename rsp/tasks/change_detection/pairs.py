"""Which files of two folders of dates and one of masks belong together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rsp.errors import MissingData, UserError, shorten

EXTENSIONS = ('.png', '.jpg', '.jpeg', '.tif', '.tiff', '.bmp')
SHOWN = 5


@dataclass(frozen=True)
class Pair:
    """The files of one place.

    Attributes:
        first: Image of the earlier date.
        second: Image of the later date.
        mask: Where it changed.
    """

    first: Path
    second: Path
    mask: Path


def find_pairs(
    first: str | Path,
    second: str | Path,
    masks: str | Path,
    names: Sequence[str] | None = None,
    where: str = 'names',
) -> list[Pair]:
    """Match the files of three folders by their names without suffix.

    Args:
        first: Folder of the earlier date.
        second: Folder of the later date.
        masks: Folder of the masks.
        names: The only ones wanted, with or without suffix; None takes all.
        where: Where the names stand, for messages.

    Returns:
        Pairs, sorted by name.

    Raises:
        FileNotFoundError: If a folder is missing or empty, or a file has no partner;
            the message names the files.
        ValueError: If two files of a folder share a name, or a name comes twice.
    """
    folders = [Path(folder) for folder in (first, second, masks)]
    files = [images_by_name(folder) for folder in folders]
    if names is None:
        _refuse_single_files(folders, files)
        wanted = sorted(files[0])
    else:
        wanted = _strip_suffixes(names, where)
        _refuse_unknown_names(folders, files, wanted, where)
    return [Pair(*(found[name] for found in files)) for name in wanted]


def images_by_name(folder: Path) -> dict[str, Path]:
    """The images of a folder by name without suffix.

    Raises:
        FileNotFoundError: If there is no such folder, or no image in it.
        ValueError: If two images share a name.
    """
    if not folder.is_dir():
        raise MissingData(
            f"expected a folder of images at '{folder}', there is none; change "
            'data_root or data_prefix, or link the data there.'
        )
    found: dict[str, Path] = {}
    for file in sorted(folder.iterdir()):
        if file.suffix.lower() not in EXTENSIONS or file.name.startswith('.'):
            continue
        if file.stem in found:
            raise UserError(
                f"'{found[file.stem]}' and '{file.name}' share a name, so their "
                'partner is unclear; remove one.'
            )
        found[file.stem] = file
    if not found:
        raise MissingData(
            f"expected images ({', '.join(EXTENSIONS)}) in '{folder}', found none."
        )
    return found


def _refuse_single_files(
    folders: Sequence[Path], files: Sequence[Mapping[str, Path]]
) -> None:
    known = set().union(*files)
    lacking = {
        folder: sorted(known - found.keys())
        for folder, found in zip(folders, files, strict=True)
    }
    if any(lacking.values()):
        raise MissingData(
            'expected every image in both dates and the masks; add or remove '
            + '; '.join(
                f"{len(names)} missing in '{folder}' ({shorten(names, SHOWN)})"
                for folder, names in lacking.items()
                if names
            )
            + '.'
        )


def _strip_suffixes(names: Sequence[str], where: str) -> list[str]:
    stems = [
        Path(name).stem if Path(name).suffix.lower() in EXTENSIONS else name
        for name in names
    ]
    twice = sorted({name for name in stems if stems.count(name) > 1})
    if twice:
        raise UserError(f'{where}: {shorten(twice, SHOWN)} named more than once.')
    return sorted(stems)


def _refuse_unknown_names(
    folders: Sequence[Path],
    files: Sequence[Mapping[str, Path]],
    wanted: Sequence[str],
    where: str,
) -> None:
    for folder, found in zip(folders, files, strict=True):
        lacking = [name for name in wanted if name not in found]
        if lacking:
            raise MissingData(
                f'{where}: {len(lacking)} of {len(wanted)} names have no image in '
                f"'{folder}' ({shorten(lacking, SHOWN)}); correct the list or add the "
                'files.'
            )
