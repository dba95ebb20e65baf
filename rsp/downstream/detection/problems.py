"""Collecting what is wrong with a data set, to say it at once."""

SHOWN = 10


class Problems:
    """Faults found while a data set is read; all of them, not only the first.

    Args:
        source: What is being read, for the message: a list, a folder or a json.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self.found: list[str] = []

    def add(self, text: str) -> None:
        """Note one fault; the text names the file, what is wrong and a remedy."""
        self.found.append(text)

    def refuse(self) -> None:
        """Raise if anything was found.

        Raises:
            ValueError: With the first ten faults and the number of all.
        """
        if not self.found:
            return
        count = len(self.found)
        lines = [f'- {text}' for text in self.found[:SHOWN]]
        if count > SHOWN:
            lines.append(f'- ... and {count - SHOWN} more.')
        noun = 'problem' if count == 1 else 'problems'
        raise ValueError(f"{count} {noun} in '{self.source}':\n" + '\n'.join(lines))
