"""Write the files of a converted data set and check that they are complete."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

import numpy as np

from rsp.errors import MissingData, UserError, shorten
from rsp.io.files import entries_of, write_atomically
from rsp.prepare.images import write_image

SHOWN = 8
Report = Callable[[str], object]


class Manifest:
    """Write files, remember them, and compare them with what is expected.

    Args:
        name: Name of the data set, for messages.
        out: Folder of the converted data set.

    Attributes:
        files: Names of written files by folder, e.g. ``img_dir/train``.
    """

    def __init__(self, name: str, out: Path) -> None:
        self.name = name
        self.out = out
        self.files: dict[str, set[str]] = defaultdict(set)

    def write(self, folder: str, name: str, content: bytes | np.ndarray) -> None:
        """Write a file below ``out``.

        Args:
            folder: E.g. ``img_dir/train``; it is made.
            name: File name.
            content: Bytes as they are, or pixels: gray, or red, green, blue.
        """
        if Path(name).name != name or name in ('', '..'):
            raise UserError(f'expected the name of a file, got {name!r}; rename it.')
        file = self.out / folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            with write_atomically(file) as unfinished:
                unfinished.write_bytes(content)
        else:
            write_image(file, content)
        self.files[folder].add(name)

    def finish(
        self, published: Mapping[str, int] | None, report: Report
    ) -> dict[str, int]:
        """Check the written folders and count the images.

        Args:
            published: Images by split; None compares nothing.
            report: Gets a line if the counts are the published ones.

        Returns:
            Images by split.

        Raises:
            UserError: If other files lie there, from an earlier run with other
                settings, or a number differs.
        """
        for folder, names in self.files.items():
            there = {file.name for file in entries_of(self.out / folder)}
            others = sorted(there - names)
            if others:
                raise UserError(
                    f'expected only the {len(names)} files of this conversion in '
                    f"'{self.out / folder}', got also {len(others)} others, such as "
                    f'{shorten(others, 3)}; remove the folder and convert again.'
                )
        counts = {
            folder.removeprefix('img_dir/'): len(names)
            for folder, names in self.files.items()
            if folder.startswith('img_dir/')
        }
        if published is None:
            return counts
        wrong = [
            f'{split}: expected {number}, got {counts.get(split, 0)}'
            for split, number in published.items()
            if counts.get(split, 0) != number
        ]
        if wrong:
            raise UserError(
                f'the tiles of {self.name} are not as many as published '
                f'({"; ".join(wrong)}); is the download complete?'
            )
        listed = ', '.join(f'{number} {split}' for split, number in published.items())
        report(f'{self.name}: {listed}, as published.')
        return counts


def refuse_missing(
    name: str, source: Path, missing: Collection[str], may_lack: bool = False
) -> None:
    """Refuse a download of which files or folders are missing.

    Args:
        name: Name of the data set.
        source: Folder of the download.
        missing: What lacks.
        may_lack: Whether a part of the published data will do.

    Raises:
        MissingData: If anything is missing.
    """
    if missing and not may_lack:
        raise MissingData(
            f"expected all of {name} in '{source}', unpacked or as zip archives, got "
            f'{len(missing)} missing: {shorten(sorted(missing), SHOWN)}; is the '
            'download complete?'
        )
