"""Write fixed, seeded, stratified splits of class folders as list files."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from rsp.datasets.image_folder import EXTENSIONS
from rsp.errors import MissingData, UserError, shorten
from rsp.io.files import files_below, folders_in
from rsp.tasks.classification.benchmarks import SCENE_SETS, SceneSet
from rsp.tasks.classification.splits import Images, split_lines, stratified_split


def make_splits(
    names: Sequence[str],
    out: Path,
    folder: Path | None = None,
    seed: int = 0,
    train_share: float | None = None,
    per_class: int | None = None,
) -> dict[Path, dict[str, int]]:
    """Write the lists of published data sets, or of class folders of one's own.

    Args:
        names: Published data sets, see `SCENE_SETS`; or one other name.
        out: Folder of the lists.
        folder: Parent of the class folders. Of a published data set it has to hold
            every image; from others the images are listed.
        seed: See `stratified_split`.
        train_share: See `stratified_split`; None means the protocol of the data set.
        per_class: See `stratified_split`.

    Returns:
        The number of images of every class in each file.

    Raises:
        MissingData: If there is no such folder.
        UserError: If the folder is not the published data set, or the arguments do not
            suffice.
    """
    if folder is not None and len(names) > 1:
        raise UserError(
            f'expected one name with --folder, got {", ".join(names)}; run once each.'
        )
    written: dict[Path, dict[str, int]] = {}
    for name in names:
        if name in SCENE_SETS:
            published = SCENE_SETS[name]
            if folder is not None:
                check_published(published, folder)
            parts = published.split(train_share, seed, per_class)
            written |= write_split(out, name, parts['train'], parts['test'])
            continue
        if folder is None:
            raise UserError(
                f"expected one of {', '.join(SCENE_SETS)}, got '{name}'; for images of "
                'your own add --folder.'
            )
        if train_share is None and per_class is None:
            raise UserError(
                f"expected --train-share or --per-class for '{name}', which has no "
                'protocol.'
            )
        train, test = stratified_split(
            list_folder(folder), train_share or 0, seed, per_class
        )
        written |= write_split(out, name, train, test)
    return written


def write_split(
    out: Path, name: str, train: Images, test: Images
) -> dict[Path, dict[str, int]]:
    """Write ``<name>_train.txt`` and ``<name>_test.txt``.

    Returns:
        The number of images of every class in each file.
    """
    out.mkdir(parents=True, exist_ok=True)
    written = {}
    for part, images in (('train', train), ('test', test)):
        file = out / f'{name}_{part}.txt'
        file.write_bytes(split_lines(images).encode())  # the same bytes on Windows
        written[file] = {name: len(paths) for name, paths in images.items()}
    return written


def list_folder(root: Path) -> Images:
    """List the images of class folders, sorted, as `rsp.ImageFolder` does.

    Raises:
        MissingData: If there is no such folder.
        UserError: If it has no class folder, or one without images.
    """
    if not root.is_dir():
        raise MissingData(
            f"expected class folders below '{root}', there is no such folder; unpack "
            'the data set there, or name the right one.'
        )
    images = {
        folder.name: sorted(
            file.relative_to(root).as_posix()
            for file in files_below(folder, EXTENSIONS)
        )
        for folder in folders_in(root)
    }
    empty = [name for name, paths in images.items() if not paths]
    if not images or empty:
        what = f'none in {", ".join(empty)}' if empty else 'no class folder'
        raise UserError(
            f"expected class folders with images below '{root}', got {what}."
        )
    return images


def check_published(scenes: SceneSet, root: Path) -> None:
    """Compare a folder with the published data set, name by name.

    Raises:
        MissingData: If there is no such folder.
        UserError: If images are missing, or others are there.
    """
    found = list_folder(root)
    problems = '\n  '.join(_differences(scenes.images(), found))
    if problems:
        raise UserError(
            f"expected the {sum(scenes.counts.values())} images of '{scenes.name}' "
            f"below '{root}', got {sum(map(len, found.values()))}:\n  {problems}"
        )


def _differences(published: Images, found: Images) -> Iterator[str]:
    absent = [name for name in published if name not in found]
    if absent:
        yield f'class folders missing: {", ".join(absent)}'
    unknown = [name for name in found if name not in published]
    if unknown:
        yield f'folders that are no class: {", ".join(unknown)}'
    for name in (name for name in published if name in found):
        here, there = published[name], found[name]
        for problem, paths, others in (
            ('missing', here, set(there)),
            ('not published', there, set(here)),
        ):
            lone = [path for path in paths if path not in others]
            if lone:
                yield f'{name}: {len(lone)} {problem}: {shorten(lone, 10)}'
