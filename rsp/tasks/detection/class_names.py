"""From the class names in an annotation to those of a data set, without guessing."""

import difflib
from collections.abc import Mapping, Sequence

from rsp.errors import UserError


class ClassNames:
    """Class numbers by name; a name that is not known is an error, never a guess.

    Args:
        classes: Names, in the order of the numbers.
        aliases: Other spellings that occur in the files -> one of ``classes``.

    Raises:
        ValueError: If there is no class, one occurs twice, or an alias stands for
            none of them.
    """

    def __init__(
        self, classes: Sequence[str], aliases: Mapping[str, str] | None = None
    ) -> None:
        self.classes = tuple(classes)
        if not self.classes or len(set(self.classes)) != len(self.classes):
            raise UserError(
                f'expected class names that differ, got {self.classes}; set '
                "metainfo=dict(classes=('name', ...)) in the data set's config."
            )
        self._number = {name: number for number, name in enumerate(self.classes)}
        for spelling, name in (aliases or {}).items():
            if name not in self._number:
                raise UserError(
                    f'expected aliases that stand for a class, got {spelling!r}: '
                    f'{name!r}; {self._hint(name)}'
                )
            if spelling in self._number and spelling != name:
                raise UserError(
                    f'expected aliases of names that are no class, got {spelling!r}: '
                    f'{name!r}, and {spelling!r} is a class itself; leave it out.'
                )
        self._number |= {s: self._number[n] for s, n in (aliases or {}).items()}

    def __contains__(self, name: str) -> bool:
        return name in self._number

    def number(self, name: str) -> int:
        """Class number of a name or alias.

        Raises:
            ValueError: With the nearest known name and what to write into the config.
        """
        if name in self._number:
            return self._number[name]
        raise UserError(f"class '{name}' is unknown; {self._hint(name)}")

    def _hint(self, name: str) -> str:
        folded = {known.casefold(): known for known in self.classes}
        near = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)
        if not near:
            listed = ', '.join(self.classes[:20])
            more = ', ...' if len(self.classes) > 20 else ''
            return (
                f'known: {listed}{more}. Correct the name, map it by '
                f"aliases={{'{name}': '<class>'}}, or add it to metainfo.classes."
            )
        return (
            f"nearest: '{folded[near[0]]}'. If they are the same, correct the name, or "
            f"map it by aliases={{'{name}': '{folded[near[0]]}'}} in the data set's "
            'config.'
        )
