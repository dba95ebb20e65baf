"""Collecting what is wrong with a data set, to say it at once."""

from collections import defaultdict

from rsp.errors import UserError

SHOWN = 10


class Problems:
    """Faults found while a data set is read; all of them, not only the first.

    Args:
        source: What is being read, for the message: a list, a folder or a json.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self.places: dict[str, list[str]] = defaultdict(list)

    def add(self, text: str, place: str = '') -> None:
        """Note one fault.

        Args:
            text: What is wrong, and a remedy; the same text is printed once.
            place: File and object, or nothing if the text names them.
        """
        self.places[text].append(place)

    def refuse(self) -> None:
        """Raise if anything was found.

        Raises:
            ValueError: With the number of faults and ten of them that differ, each with
                its first place.
        """
        if not self.places:
            return
        count = sum(len(places) for places in self.places.values())
        lines = []
        for text, (first, *others) in list(self.places.items())[:SHOWN]:
            also = f' So in {len(others)} more places.' if others else ''
            lines.append(f'- {first + ": " if first else ""}{text}{also}')
        if len(self.places) > SHOWN:
            lines.append(f'- ... and {len(self.places) - SHOWN} others.')
        noun = 'problem' if count == 1 else 'problems'
        raise UserError(f"{count} {noun} in '{self.source}':\n" + '\n'.join(lines))
