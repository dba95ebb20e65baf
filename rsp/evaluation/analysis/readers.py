"""Find out how a training read its images, to read others alike."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rsp.datasets.transforms.load_image import LoadImageFromFile
from rsp.errors import UserError, print_once
from rsp.evaluation.analysis.images import ImageSet
from rsp.geo.bands.true_colors import true_colors_of


def find_reader(
    card: Mapping[str, Any], dataset: Any
) -> tuple[LoadImageFromFile | None, dict[str, Any]]:
    """Return what reads images as a training did.

    Args:
        card: Of the backbone, see `rsp.checkpoints.card`.
        dataset: Config of the training's data set; None takes the card's description.

    Returns:
        A loader, None where the training saw 8-bit colors or its data set is unknown;
        and the mean and std by which its reader normalizes, empty where the data
        preprocessor does.
    """
    dataset = dataset or (card.get('data') or {}).get('description')
    settings = _with_reflectance(dataset)
    if settings is None:
        return None, {}
    reflectance = dict(settings['reflectance'])
    scaled = {key: reflectance.pop(key, None) for key in ('mean', 'std')}
    bands = settings.get('bands')
    # What names the channels where the files do not.
    names = [name for name in card.get('bands') or () if isinstance(name, str)]
    loader = LoadImageFromFile(
        bands=bands,
        reflectance=reflectance,
        shown=settings.get('shown') or (true_colors_of(names) if names else None),
    )
    return loader, {k: v for k, v in scaled.items() if v is not None}


def read_image(
    images: ImageSet,
    index: int,
    bands: int,
    reader: LoadImageFromFile | None,
    source: str,
) -> np.ndarray:
    """Read an image for a network, (H, W, C), in the unit of its training.

    A config's own loader reads it where that gives floats of as many bands. For a
    network of 8-bit colors it is what pictures show.

    Args:
        images: The set.
        index: Of the image.
        bands: Number that the network takes.
        reader: See `find_reader`.
        source: Of the network, for messages.

    Raises:
        UserError: If the image has other bands, or nothing tells how to read it.
    """
    if reader is None and bands == 3:
        return images.pixels(index)
    own = images.reader
    if not images.is_folder and own.floats and own.channels in (None, bands):
        reader = own
    if reader is None:
        raise UserError(
            f"expected what tells how to read images for the {bands} bands of '{source}"
            "', neither its file nor --data does; give a config whose loader has bands "
            'and reflectance (docs/pixels.md).'
        )
    pixels = reader.read(images.paths[index], 'rgb')
    if pixels.shape[2] != bands:
        raise UserError(
            f"expected {bands} bands, as '{source}' takes, got {pixels.shape[2]} in "
            f"'{images.paths[index]}'; give images like those it was trained on."
        )
    return pixels


def note_colors(
    images: ImageSet, readers: Sequence[LoadImageFromFile], plain: Sequence[str]
) -> None:
    """Let pictures of a plain folder show what a reader reads, and say so.

    Args:
        images: The set; its reader is changed in place.
        readers: Of those that are compared.
        plain: Names of networks of 8-bit colors, which see what pictures show.
    """
    if readers and images.is_folder:
        images.reader = readers[0]
    caption = images.caption()
    if caption and plain:
        print_once(
            f'note: {", ".join(plain)}, of 8-bit colors, will see what the pictures '
            f'show: {caption}.'
        )


def _with_reflectance(settings: Any) -> Mapping[str, Any] | None:
    """Return the first mapping, at any depth, that tells a reflectance."""
    if isinstance(settings, Mapping):
        if isinstance(settings.get('reflectance'), Mapping):
            return settings
        settings = list(settings.values())
    if isinstance(settings, list | tuple):
        for inner in settings:
            if found := _with_reflectance(inner):
                return found
    return None
