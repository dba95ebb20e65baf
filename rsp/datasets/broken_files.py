"""Tell a file that cannot be read from a bug, and take the next one where asked."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mmengine.logging import print_log

from rsp.compat import add_note, lock_file
from rsp.errors import BrokenFile, MissingData, UserError
from rsp.ops import check

NAME = 'bad_files.txt'

# No content of a file raises these: a loader's own mistake, or a missing package.
BUGS = (AttributeError, ImportError, KeyError, MemoryError, NameError, TypeError)


@contextmanager
def name_item(item: str) -> Iterator[None]:
    """Add the name of an item to what its pipeline raises.

    A `UserError` gets it in its message, if it is not there already; a bug keeps type
    and traceback, and gets it as a note.

    Args:
        item: E.g. the path of its file in quotes.
    """
    try:
        yield
    except UserError as error:
        if item in str(error):
            raise
        raise type(error)(f'{item}: {error}') from error
    except Exception as error:
        add_note(error, f'This happened to {item}.')
        raise


class BadImages:
    """Say what becomes of images that cannot be read: an error, or a count.

    The first one of a run may be any share of the images.

    Args:
        on_bad_image: ``'raise'`` or ``'skip'``.
        max_bad_share: Share of the images that may be skipped, 0 to 1.

    Attributes:
        skips: Whether images are skipped.
        file: Where all processes of a run list them, a path in a line; None for none.
        images: Images of all training data of the run; None for those of a data set.
    """

    def __init__(self, on_bad_image: str = 'raise', max_bad_share: float = 0.01):
        check.one_of("'on_bad_image'", on_bad_image, ('raise', 'skip'))
        check.between("'max_bad_share'", max_bad_share, 0, 1)
        self.wanted = self.skips = on_bad_image == 'skip'
        self.max_share = max_bad_share
        self.file: Path | None = None
        self.images: int | None = None
        self._found: set[str] = set()

    def add(self, error: UserError, images: int) -> None:
        """Count a bad image, or refuse it.

        Args:
            error: Of reading it; with its path as ``bad_file``, if it is at fault.
            images: Images of the data set.

        Raises:
            UserError: That very error, unless bad images are skipped; also if there are
                too many.
        """
        path = getattr(error, 'bad_file', None)
        if path is None or not self.skips:
            raise error
        self._list(path, error)
        images = self.images or images
        count = len(self._found)
        if count > max(1, self.max_share * images):
            place = f" (listed in '{self.file}')" if self.file else ''
            raise UserError(
                f'expected at most {self.max_share:g} of {images} images to be bad, '
                f'got {count}{place}; repair them, or raise max_bad_share. The last '
                f'one: {error}'
            ) from error

    def _list(self, path: str, error: UserError) -> None:
        """List a file once in all processes, and learn what others have listed."""
        # As it is in the list, whose lines a line break in a name would break.
        path = path.replace('\n', '\\n').replace('\r', '\\r')
        if path in self._found:
            return
        self._found.add(path)
        if self.file is not None:
            opened = os.open(self.file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
            with os.fdopen(opened, 'r+b') as file, lock_file(file):
                listed = set(map(os.fsdecode, file.read().splitlines()))
                self._found |= listed
                if path in listed:
                    return
                file.write(os.fsencode(path) + b'\n')
                file.flush()
        print_log(
            f'Skipped a bad image, the next one takes its place: {error}',
            logger='current',
            level=logging.WARNING,
        )


def bad_images_of(dataset: Any) -> Iterator[tuple[BadImages, int]]:
    """Yield what a data set, and each one inside of it, does with bad images.

    Args:
        dataset: Any, also one that wraps or joins others.

    Yields:
        That, and the number of images.
    """
    if isinstance(found := getattr(dataset, 'bad_images', None), BadImages):
        yield found, getattr(dataset, 'num_files', None) or len(dataset)
    inner = [getattr(dataset, 'dataset', None)]
    inner += getattr(dataset, 'datasets', None) or ()
    inner += (getattr(dataset, 'sources', None) or {}).values()
    for one in inner:
        if one is not None:
            yield from bad_images_of(one)


def never_skip(dataset: Any) -> None:
    """Let a data set raise at bad images, as scores of the others would mislead."""
    for bad, _ in bad_images_of(dataset):
        bad.skips = False


def skip_in_training(dataset: Any, work_dir: str, fresh: bool) -> None:
    """Let a data set skip bad images if its config says so, and list them.

    Args:
        dataset: Of a training, before its workers start.
        work_dir: Folder of ``bad_files.txt``.
        fresh: Whether the list of an earlier run has no meaning any more.
    """
    found = [*bad_images_of(dataset)]
    file = Path(work_dir, NAME)
    for bad, _ in found:
        bad.skips, bad.file = bad.wanted, file
        bad.images = sum(number for _, number in found)
    if fresh and any(bad.skips for bad, _ in found):
        file.unlink(missing_ok=True)


def load_item(dataset: Any, idx: int, remedy: str) -> Any:
    """Run the pipeline of one item; refuse its file only if reading that fails.

    After an exception, the steps that read (``Load...``, or else the first one) are
    repeated alone. If they fail again the file is at fault, otherwise the pipeline is.
    Where the data set skips bad images, the first good one after it takes its place,
    which depends on nothing but the files.

    Args:
        dataset: An mmengine data set, with ``bad_images``.
        idx: Number of the item.
        remedy: What to do about a file that cannot be read.

    Raises:
        MissingData: If the file is missing.
        UserError: If it cannot be read, or as raised by a step.
    """
    bad: BadImages = getattr(dataset, 'bad_images', _NONE)
    number, count = idx, len(dataset)
    while True:
        try:
            return _load(dataset, number, remedy)
        except UserError as error:
            bad.add(error, count)
            number = (number + 1) % count
            if number == idx % count:
                raise UserError(
                    f'expected an image that can be read, got none of {count}; the '
                    f'last one: {error}'
                ) from error


def _load(dataset: Any, idx: int, remedy: str) -> Any:
    info = dataset.get_data_info(idx)
    path = info['img_path']
    with name_item(f"'{path}'"):
        try:
            return dataset.pipeline(info)
        except BrokenFile as error:
            raise _bad(UserError, error.path, f'{error.reason}', remedy) from error
        except Exception as error:
            steps = dataset.pipeline.transforms
            fault = _read_again(steps, dataset.get_data_info(idx))
            if isinstance(error, UserError):
                if fault is not None:
                    error.bad_file = path  # type: ignore[attr-defined]
                raise
            if fault is None:
                raise
            kind = MissingData if isinstance(fault, FileNotFoundError) else UserError
            reason = ' '.join(str(fault).split())  # OpenCV's have several lines.
            reason = f'{type(fault).__name__}: {reason}'
            raise _bad(kind, path, reason, remedy) from error


def _bad(kind: type[UserError], path: str, reason: str, remedy: str) -> UserError:
    error = kind(f"cannot load '{path}' ({reason}); {remedy}.")
    error.bad_file = path  # type: ignore[attr-defined]
    return error


_NONE = BadImages()


def _read_again(steps: list, info: dict[str, Any]) -> Exception | None:
    """Return what reading a file raises; None if it succeeds, or reveals a bug."""
    loading = [step for step in steps if type(step).__name__.startswith('Load')]
    try:
        for step in loading or steps[:1]:
            # One that also makes views reads without making any.
            info = getattr(step, 'load_whole', step)(info)
    except BUGS:
        return None
    except Exception as fault:
        return fault
    return None
