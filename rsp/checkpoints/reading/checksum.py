"""Tell whole checkpoint files from damaged ones.

Files that we write end in their SHA-256, which stands in the comment that closes a zip
archive, so that it cannot be lost or belong to another file, and every other tool reads
the file as before. torch writes a CRC-32 beside every tensor, which it does not compare
when it reads: of files without our checksum these are looked at.
"""

import hashlib
import os
import re
import zipfile
import zlib
from typing import IO

_TAG = b'rsp-sha256:'
_LENGTH = len(_TAG) + 64
_CHUNK = 1 << 22


def seal(archive: bytearray | memoryview) -> bytes:
    """Return the end of a zip archive that holds the checksum of what precedes it.

    Args:
        archive: What ``torch.save`` wrote; its last two bytes, the length of the
            comment, which is empty, are changed in place.

    Returns:
        75 bytes to append.
    """
    if bytes(archive[:2]) != b'PK' or bytes(archive[-2:]) != b'\0\0':
        raise ValueError('expected a zip archive without a comment')
    archive[-2:] = _LENGTH.to_bytes(2, 'little')
    return _TAG + hashlib.sha256(archive).hexdigest().encode()


def find_damage(stream: IO[bytes]) -> str | None:
    """Compare a file with the checksums in it, if there are any.

    Takes about a second per gigabyte that is in the system's memory.

    Args:
        stream: A checkpoint of any kind.

    Returns:
        What is wrong with it, to follow 'it is'; None if nothing is.
    """
    stream.seek(0)
    if stream.read(2) != b'PK':
        return None
    size = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, size - _LENGTH))
    recorded = re.fullmatch(_TAG + rb'([0-9a-f]{64})', stream.read())
    if recorded is None:
        return _compare_crcs(stream)
    stream.seek(0)
    digest, left = hashlib.sha256(), size - _LENGTH
    while left and (chunk := stream.read(min(_CHUNK, left))):
        digest.update(chunk)
        left -= len(chunk)
    if digest.hexdigest().encode() != recorded[1]:
        return 'damaged (its SHA-256 is not the one that it was written with)'
    return None


def _compare_crcs(stream: IO[bytes]) -> str | None:
    try:
        with zipfile.ZipFile(stream) as archive:
            if archive.comment.startswith(_TAG):
                return 'cut off (in its checksum)'
            records = archive.infolist()
            broken = [r.filename for r in records if not _is_whole(archive, r)]
    except (zipfile.BadZipFile, EOFError, NotImplementedError, ValueError) as error:
        return f'cut off or damaged ({error})'
    # torch can leave all of them out (`torch.serialization.set_crc32_options`).
    if broken and len(broken) < len(records):
        return (
            f'damaged ({len(broken)} of its {len(records)} parts have not the CRC-32 '
            f'that they were written with, e.g. {broken[0]})'
        )
    return None


def _is_whole(archive: zipfile.ZipFile, record: zipfile.ZipInfo) -> bool:
    try:
        with archive.open(record) as part:
            while part.read(_CHUNK):
                pass
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError):
        return False
    return True
