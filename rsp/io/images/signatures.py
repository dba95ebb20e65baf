"""Tell the format of an image by its first bytes."""

HEAD = 16


def format_of(head: bytes) -> str:
    """Return a format as rasterio names it, or ``''`` for any other.

    Endings lie: ImageNet holds a PNG named .JPEG.

    Args:
        head: The first `HEAD` bytes.
    """
    for kind, start in (
        ('JPEG', b'\xff\xd8\xff'),
        ('PNG', b'\x89PNG\r\n\x1a\n'),
        ('GIF', b'GIF8'),
        ('BMP', b'BM'),
        # Little and big endian, of classic and of BigTIFF.
        ('GTiff', b'II*\0'),
        ('GTiff', b'MM\0*'),
        ('GTiff', b'II+\0'),
        ('GTiff', b'MM\0+'),
    ):
        if head.startswith(start):
            return kind
    if head[:4] == b'RIFF' and head[8:12] == b'WEBP':
        return 'WEBP'
    return ''
