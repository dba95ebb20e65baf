"""Number images by the folders in which they lie."""

from collections.abc import Iterator, Sequence

import numpy as np

from rsp.io.stores import PackedNames


def by_class(
    names: PackedNames, folders: Sequence[str] | None
) -> tuple[PackedNames, list[str], np.ndarray]:
    """Order images by the folders in which they lie, class by class.

    Args:
        names: Of all images, sorted by their bytes.
        folders: The classes, sorted; None for those that have images.

    Returns:
        Names of the images in a class folder; the classes; the number of the class of
        each image, int64.
    """
    classes = sorted(_first_folders(names)) if folders is None else [*folders]
    ranges = [names.below(folder) for folder in classes]
    counts = [last - first for first, last in ranges]
    labels = np.repeat(np.arange(len(classes)), counts)
    # Mostly they are in this order already.
    if ranges and [r[0] for r in ranges[1:]] == [r[1] for r in ranges[:-1]]:
        return names.between(ranges[0][0], ranges[-1][1]), classes, labels
    rows = [np.arange(first, last) for first, last in ranges]
    order = np.concatenate([np.zeros(0, np.int64), *rows])
    return names.take(order), classes, labels


def _first_folders(names: PackedNames) -> Iterator[str]:
    """Yield the folders in which sorted names lie, each once."""
    row = 0
    while row < len(names):
        folder, slash, _ = names[row].partition('/')
        row = names.below(folder)[1] if slash else row + 1
        if slash:
            yield folder
