"""Find the acquisition date of a scene in its metadata or its file name."""

import re
from collections.abc import Mapping
from datetime import date

# Keys in the metadata of common products; the first one present counts.
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
    """Return the acquisition date by the metadata of a file, else by its name.

    TIFF's own date is ignored: it is the day when the file was written. Of several
    dates in a name the first one counts, as for Landsat and Sentinel-2, whose second
    one is that of the processing.

    Args:
        name: File name.
        tags: Metadata of the file.

    Returns:
        YYYY-MM-DD; None if there is no date.
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
