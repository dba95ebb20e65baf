"""Read the sizes of images, and compare the sizes that annotations state."""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rsp.errors import UserError
from rsp.io.images import ImageInfo, read_info

# Mostly waiting for the disk.
THREADS = 8
Infos = Mapping[Path, ImageInfo | UserError]


def read_infos(images: Iterable[Path]) -> Infos:
    """Read the headers of images; of those that cannot be read, the error."""
    images = list(images)
    with ThreadPoolExecutor(THREADS) as pool:
        return dict(zip(images, pool.map(_read, images), strict=True))


def compare_size(
    infos: Infos, image: Path, stated: Iterable[float | None], source: str
) -> tuple[int, int]:
    """Return the size of an image, which its annotation must state if it states one.

    Before any box is judged: against a wrong size good boxes lie outside, and would be
    cut.

    Args:
        infos: Of `read_infos`.
        image: File.
        stated: Height and width of the annotation, each None where it has none.
        source: What states them, such as ``'the xml'``.

    Returns:
        (height, width) in pixels as the image is loaded, turned as its EXIF says.

    Raises:
        UserError: If the image cannot be read, or the sizes differ.
    """
    info = infos[image]
    if isinstance(info, UserError):
        raise info
    height, width = info.shape
    said = tuple(stated)
    if all(s in (None, own) for s, own in zip(said, info.shape, strict=True)):
        return info.shape
    shown = ' x '.join('?' if s is None else f'{s:g}' for s in reversed(said))
    hint = ''
    if [*said] == [width, height]:
        hint = ' (width and height are exchanged)'
        if info.orientation != 1:
            hint = ' (its EXIF data turn it when it is loaded)'
    raise UserError(
        f"expected {width} x {height} pixels (width x height) as in '{image}', got "
        f'{shown} in {source}{hint}; correct the size there, and see whether its boxes '
        'fit.'
    )


def stated_length(value: object) -> float | None:
    """Return a width or height of an annotation; None where it states none, or 0."""
    try:
        length = float(str(value))
    except ValueError:
        return None
    return length if length > 0 else None


def _read(image: Path) -> ImageInfo | UserError:
    try:
        return read_info(image)
    except UserError as error:
        return error
    except OSError as error:  # a name that no disk can hold
        return UserError(f"cannot read '{str(image)[:200]}' ({error.strerror})")
