"""Log what is to be known of images, once."""

import logging
from collections.abc import Iterable
from functools import cache

from mmengine.logging import print_log

from rsp.io.images import MENDED, decoders

# Facts that this process has logged.
_told: set[str] = set()


def tell(path: str, notes: Iterable[str]) -> None:
    """Log what is to be known of a file, each kind once in a process.

    Damage that was mended is no kind of files: each one is named, once.
    """
    for note in notes:
        single = note == MENDED
        if (key := f'{path}: {note}' if single else note) in _told:
            continue
        _told.add(key)
        rest = '' if single else '; likewise in others of its kind, not logged again'
        print_log(
            f"'{path}' has {note}{rest}.", logger='current', level=logging.WARNING
        )


@cache
def tell_slow_jpegs() -> None:
    """Log, once in a process, that JPEGs are read slowly."""
    if decoders.simplejpeg is None:
        print_log(
            'simplejpeg is not installed: OpenCV reads JPEGs, whole and at half the '
            'speed; pip install simplejpeg.',
            logger='current',
            level=logging.WARNING,
        )
