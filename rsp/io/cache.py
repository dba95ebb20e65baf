"""Find the place for what can be made again: the cache of the user."""

import getpass
import os
import tempfile
from functools import lru_cache
from pathlib import Path

from rsp.errors import UserError


def cache_folder(kind: str) -> Path:
    """Return a folder for files of a kind, made if it is not there.

    It lies in ``RSP_CACHE`` or ``~/.cache/rsp``, or where temporary files lie.

    Raises:
        UserError: If none of them can be written.
    """
    given = os.environ.get('RSP_CACHE')
    home = os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache')
    return _first_writable(given or os.path.join(home, 'rsp'), kind)


@lru_cache
def _first_writable(wanted: str, kind: str) -> Path:
    places = [Path(wanted), Path(tempfile.gettempdir(), f'rsp-{getpass.getuser()}')]
    for place in places:
        folder = place / kind
        try:
            folder.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()
        except OSError:
            continue
        return folder.absolute()
    raise UserError(
        f'expected a folder for small files, cannot write to {places[0]} or '
        f'{places[1]}; set RSP_CACHE to one.'
    )
