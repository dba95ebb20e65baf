"""Pack a portion of the images: one job."""

import hashlib
import os
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rsp.errors import UserError
from rsp.io.files import write_atomically
from rsp.io.stores.store import digest_of
from rsp.prepare.pack.image import DONE, pack_image
from rsp.prepare.pack.settings import PackSettings

# Version of the parts; those of another one are made again.
VERSION = 1
# Images of a portion, about and at most.
ABOUT, MOST = 256, 1024
# A row for each packed image.
ROW = np.dtype([('size', '<i8'), ('digest', '<u8'), ('height', '<i4'),
                ('width', '<i4'), ('short_side', '<i4'), ('done', 'u1')])  # fmt: skip


def plan_jobs(
    root: Path, names: Iterable[str], parts: Path, settings: Mapping[str, Any]
) -> tuple[list[dict[str, Any]], str]:
    """Divide images into jobs whose keys change with the files.

    Args:
        root: Folder of the images.
        names: Below it, sorted.
        parts: Folder for what is packed of each job.
        settings: Of `PackSettings`.

    Returns:
        The jobs; and a signature of all files.
    """
    signature, jobs = hashlib.sha256(), []
    for portion in _portions(names):
        key = hashlib.sha256(repr((VERSION, settings)).encode())
        for name in portion:
            facts = os.stat(root / name)
            key.update(repr((name, facts.st_size, facts.st_mtime_ns)).encode())
        signature.update(key.digest())
        jobs.append(
            dict(
                key=key.hexdigest()[:24],
                root=str(root),
                names=portion,
                parts=str(parts),
                settings=settings,
            )
        )
    return jobs, signature.hexdigest()


def _portions(names: Iterable[str]) -> Iterator[list[str]]:
    """Cut the list where names say so: a new file changes its own portion alone."""
    portion: list[str] = []
    for name in names:
        portion.append(name)
        ends = zlib.crc32(os.fsencode(name)) % ABOUT == 0
        if ends or len(portion) == MOST:
            yield portion
            portion = []
    if portion:
        yield portion


def pack_portion(job: Mapping[str, Any]) -> dict[str, Any]:
    """Pack the images of a job into ``<key>.part``, and what is known of each.

    Returns:
        ``count``: packed images; ``left_out``: reason by name of the others; ``notes``:
        images by what should be known of them.
    """
    settings = PackSettings(**job['settings'])
    root, part = Path(job['root']), Path(job['parts'], job['key'])
    rows, left_out, notes = [], {}, Counter[str]()
    with (
        write_atomically(part.with_suffix('.part')) as unfinished,
        unfinished.open('wb') as file,
    ):
        for name in job['names']:
            try:
                packed = pack_image(root / name, settings)
            except UserError as error:
                left_out[name] = str(error)
                continue
            content = packed.content
            size = len(content) if isinstance(content, bytes) else content.nbytes
            file.write(content if isinstance(content, bytes) else content.data)
            rows.append((size, digest_of(content), *packed.shape, packed.short_side,
                         DONE.index(packed.done)))  # fmt: skip
            notes.update(packed.notes)
    with write_atomically(part.with_suffix('.npy')) as table:
        np.save(table, np.array(rows, ROW))
    return dict(count=len(rows), left_out=left_out, notes=notes)
