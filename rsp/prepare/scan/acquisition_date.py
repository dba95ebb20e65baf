"""Find the day a scene was taken, if its file says so."""

import re
from collections.abc import Mapping
from datetime import date

# Metadata of common products; the first one present counts.
TAGS = (
    'ACQUISITION_DATE',
    'DATE_ACQUIRED',
    'ACQUISITIONDATE',
    'SENSING_TIME',
    'DATATAKE_1_DATATAKE_SENSING_START',
    'PRODUCT_START_TIME',
)
DAY = r'(19[789]\d|20\d\d)([-_]?)(0[1-9]|1[0-2])\2(0[1-9]|[12]\d|3[01])'


def acquisition_date(name: str, tags: Mapping[str, str]) -> str | None:
    """Find the day of a scene in its metadata or else in its file name.

    TIFF's own date is left alone: it tells when the file was written. In names of
    several dates the first one counts, which is the acquisition for Landsat and
    Sentinel-2 (processing comes later).

    Args:
        name: File name.
        tags: Metadata of the file.

    Returns:
        As YYYY-MM-DD; None if nothing tells.
    """
    upper = {key.upper(): value for key, value in tags.items()}
    for text in [*(upper[tag] for tag in TAGS if tag in upper), name]:
        # Digits on either side would make it a part of a longer number.
        for year, _, month, day in re.findall(rf'(?<!\d){DAY}(?!\d)', text):
            try:
                return date(int(year), int(month), int(day)).isoformat()
            except ValueError:
                continue
    return None
