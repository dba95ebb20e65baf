"""Tell whether a raster has changed, by all files that it depends on.

GDAL reads masks, statistics, georeference and overviews from files beside a raster, and
the pixels of a virtual one from its sources. A signature is made of their names, sizes
and times of change; reading no file, it takes a few microseconds per name.
"""

import hashlib
import os
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from xml.sax.saxutils import unescape

from rsp.geo.files.remote import facts_of, is_url

# What GDAL looks for beside a raster: behind the whole name, ...
BEHIND_NAME = ('.msk', '.ovr', '.msk.ovr', '.ovr.msk', '.aux.xml', '.aux', '.vat.dbf')
# ... and in place of the ending; besides, three or four letters with a w at the end.
BEHIND_STEM = (
    '.aux', '.aux.xml', '.clr', '.hdr', '.ige', '.imd', '.pass', '.prj', '.rpb', '.rpc',
    '.rrd', '.tab', '.msk', '.vat.dbf', '_rpc.txt', '_mtl.txt', '.wld',
    '.tfw', '.tifw', '.tiffw', '.jgw', '.jpgw', '.jpegw', '.pgw', '.pngw', '.jpw',
    '.j2w', '.jp2w', '.bpw', '.bmpw', '.igw', '.imgw',
)  # fmt: skip
SOURCE = re.compile(r'<Source(?:Filename|Dataset)([^>]*)>([^<]*)<', re.IGNORECASE)
RELATIVE = re.compile(r'relativeToVRT\s*=\s*["\']1', re.IGNORECASE)


class Signatures:
    """Compute signatures of many rasters; folders are listed once."""

    def __init__(self) -> None:
        self._names: Callable[[str], dict[str, str]] = lru_cache(None)(_list_names)

    def __call__(
        self, file: str | os.PathLike, sources: Iterable[str] | None = None
    ) -> str:
        """Return the signature of a raster.

        Args:
            file: The raster.
            sources: Relative to its folder, see `sources_of`; None finds them.

        Raises:
            OSError: If there is no such file.
        """
        file = os.fspath(file)
        if is_url(file):
            return facts_of(file)[1]
        os.stat(file)
        if sources is None:
            sources = sources_of(file)
        folder, entries = os.path.dirname(file), []
        for path in (file, *(os.path.join(folder, source) for source in sources)):
            entries += [path, *self._beside(path)]
        stats = [(os.path.basename(path), *_stat(path)) for path in entries]
        return hashlib.blake2b(repr(stats).encode(), digest_size=12).hexdigest()

    def _beside(self, file: str) -> list[str]:
        folder, name = os.path.split(file)
        there = self._names(folder)
        name = name.lower()
        stem = os.path.splitext(name)[0]
        wanted = [name + end for end in BEHIND_NAME] + [stem + e for e in BEHIND_STEM]
        return [os.path.join(folder, there[name]) for name in wanted if name in there]


def sources_of(file: str | os.PathLike) -> tuple[str, ...]:
    """Return the files that a virtual raster reads, also those that are missing.

    Args:
        file: Any raster; only one that ends in .vrt has sources.

    Returns:
        Paths relative to the folder of the raster, or absolute.
    """
    folder = os.path.dirname(os.fspath(file))
    found: dict[str, None] = {}
    waiting = [os.path.basename(os.fspath(file))]
    while waiting:
        path = waiting.pop()
        if not path.lower().endswith('.vrt'):
            continue
        try:
            content = Path(folder, path).read_text(encoding='utf-8', errors='replace')
        except OSError:
            continue
        for attributes, name in SOURCE.findall(content):
            name = unescape(name.strip())
            if RELATIVE.search(attributes):
                name = os.path.join(os.path.dirname(path), name)
            else:
                name = os.path.abspath(name)
            if name not in found:
                found[name] = None
                waiting.append(name)
    return tuple(found)


def _list_names(folder: str) -> dict[str, str]:
    """Return the names in a folder by their lower case."""
    try:
        return {name.lower(): name for name in os.listdir(folder or '.')}
    except OSError:
        return {}


def _stat(path: str) -> tuple[int, int]:
    try:
        stat = os.stat(path)
    except OSError:
        return -1, -1
    return stat.st_size, stat.st_mtime_ns
