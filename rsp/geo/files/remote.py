"""Ask servers whether files behind URLs have changed."""

import hashlib
import os
import urllib.error
import urllib.request
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from rsp.errors import MissingData, UserError

# Requests at a time: waiting, not work.
THREADS = 32
TIMEOUT = 60.0


def is_url(file: str | os.PathLike) -> bool:
    """Return whether a file is named by a URL, which GDAL opens and Python does not."""
    return '://' in os.fspath(file)


def urls_of(files: object) -> list[str]:
    """Return the URLs of a list, sorted, each once; empty if it is of local files.

    Raises:
        UserError: If some are URLs and others are not.
    """
    if isinstance(files, str | os.PathLike) or not isinstance(files, Sequence):
        return []
    names = [os.fspath(file) for file in files]
    urls = [name for name in names if is_url(name)]
    if urls and len(urls) < len(names):
        other = next(name for name in names if not is_url(name))
        raise UserError(
            f"expected a list of URLs or of local files, got both: '{urls[0]}' and "
            f"'{other}'; make it two data sets, joined by mmengine's ConcatDataset."
        )
    return sorted(set(urls))


@cache
def facts_of(url: str) -> tuple[int, str]:
    """Return the size of a file in bytes, and what names its state.

    That is what the server of an HTTP address says of size, time and tag. Other
    protocols are GDAL's alone: of these only the name is known, and a file that changes
    is not noticed.

    Raises:
        MissingData: If there is no such file.
        UserError: If the server does not answer.
    """
    if not url.startswith(('http://', 'https://')):
        return 0, hashlib.blake2b(url.encode(), digest_size=12).hexdigest()
    request = urllib.request.Request(url, method='HEAD')
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            said = [answer.headers.get(key, '') for key in ('ETag', 'Last-Modified')]
            size = int(answer.headers.get('Content-Length', 0))
    except urllib.error.HTTPError as error:
        if error.code in (404, 410):
            raise MissingData(f"no raster '{url}' ({error}).") from None
        raise _no_answer(url, error) from None
    except (OSError, ValueError) as error:
        raise _no_answer(url, error) from None
    state = repr((url, size, *said)).encode()
    return size, hashlib.blake2b(state, digest_size=12).hexdigest()


def ask_all(urls: Sequence[str]) -> None:
    """Ask for the facts of many files at a time, which `facts_of` then knows."""
    with ThreadPoolExecutor(THREADS) as pool:
        for _ in pool.map(facts_of, urls):
            pass


def _no_answer(url: str, error: Exception) -> UserError:
    return UserError(
        f"expected an answer about '{url}', got: {error}; try again, or remove it from "
        'the list.'
    )
