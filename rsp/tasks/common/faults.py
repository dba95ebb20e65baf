"""Collect the faults of a data set, to report them together."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from rsp.errors import MissingData, UserError

SHOWN = 10


class Faults:
    """Collect the faults of a data set while it is read, and raise them together.

    Args:
        source: List, folder or json that is read, for the message.
    """

    def __init__(self, source: object) -> None:
        self.source = str(source)
        self._places: dict[str, list[str]] = defaultdict(list)
        self._all_missing = True

    def add(self, text: str, place: str = '', missing: bool = False) -> None:
        """Note one fault.

        Args:
            text: What is wrong, and a remedy; the same text is printed once.
            place: File and object, or nothing if the text names them.
            missing: Whether the fault is a missing file.
        """
        self._places[text].append(place)
        self._all_missing &= missing

    @contextmanager
    def at(self, place: str) -> Iterator[None]:
        """Note a `UserError` of the block instead of raising it."""
        try:
            yield
        except UserError as error:
            self.add(str(error), place, isinstance(error, MissingData))

    def refuse(self) -> None:
        """Raise if anything was noted.

        Raises:
            MissingData: If nothing is wrong but that files are missing.
            UserError: Otherwise; with the number of faults and ten of them that differ,
                each with its first place.
        """
        if not self._places:
            return
        count = sum(len(places) for places in self._places.values())
        lines = []
        for text, (first, *others) in list(self._places.items())[:SHOWN]:
            also = f' So in {len(others)} more places.' if others else ''
            lines.append(f'- {first + ": " if first else ""}{text}{also}')
        if len(self._places) > SHOWN:
            lines.append(f'- ... and {len(self._places) - SHOWN} others.')
        noun = 'problem' if count == 1 else 'problems'
        error = MissingData if self._all_missing else UserError
        raise error(f"{count} {noun} in '{self.source}':\n" + '\n'.join(lines))
