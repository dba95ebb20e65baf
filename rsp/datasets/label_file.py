"""Label files of windows, as ``make_land_cover_labels.py`` writes them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def read_labels(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Line numbers and labels of a label file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no label file.
    """
    if not file.is_file():
        raise FileNotFoundError(
            f"expected a label file at '{file}', there is none; make one by "
            'tools/dataset_tools/make_land_cover_labels.py.'
        )
    with file.open(encoding='utf-8') as lines:
        for number, line in enumerate(lines, start=1):
            try:
                label = json.loads(line)
                if number == 1:
                    _ = label['rsp_land_cover_labels']
                    continue
                _ = label['image'], label['window'], label['counts']
            except (ValueError, KeyError, TypeError):
                raise ValueError(
                    f'expected {"the header" if number == 1 else "a label"} of a label '
                    f"file in line {number} of '{file}', got '{line.strip()[:80]}'; "
                    'make it by tools/dataset_tools/make_land_cover_labels.py.'
                ) from None
            yield number, label
