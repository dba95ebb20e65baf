"""Map class names of an annotation to class numbers, without guessing."""

import difflib
from collections.abc import Mapping, Sequence

from rsp.errors import UserError, shorten


class ClassNames:
    """Map names to class numbers, and refuse names that are not known.

    Args:
        classes: Names, in the order of the numbers.
        aliases: Other names that occur in the files -> one of ``classes``; None where
            the user has no option for them.

    Raises:
        UserError: If there is no class, or a text for all of them, one occurs twice, or
            an alias stands for none of them.
    """

    def __init__(
        self, classes: Sequence[str], aliases: Mapping[str, str] | None = None
    ) -> None:
        if isinstance(classes, str):
            raise UserError(
                f'expected a list of class names, got the text {classes!r}; write '
                f"metainfo=dict(classes=('{classes}',)), with a comma."
            )
        self.classes = tuple(classes)
        self._has_aliases = aliases is not None
        if not self.classes or len(set(self.classes)) != len(self.classes):
            raise UserError(
                f'expected class names that differ, got {self.classes}; set '
                "metainfo=dict(classes=('name', ...)) in the data set's config."
            )
        self._number = {name: number for number, name in enumerate(self.classes)}
        for alias, name in (aliases or {}).items():
            if name not in self._number:
                raise UserError(
                    f'expected aliases that stand for a class, got {alias!r}: '
                    f'{name!r}; {self._hint(name)}'
                )
            if alias in self._number and alias != name:
                raise UserError(
                    f'expected aliases of names that are no class, got {alias!r}: '
                    f'{name!r}, and {alias!r} is a class itself; leave it out.'
                )
        self._number |= {a: self._number[n] for a, n in (aliases or {}).items()}

    def __contains__(self, name: str) -> bool:
        return name in self._number

    def number(self, name: str) -> int:
        """Return the class number of a name or alias.

        Raises:
            UserError: If it is unknown, with the nearest known name and the remedy.
        """
        if name in self._number:
            return self._number[name]
        raise UserError(f"class '{name}' is unknown; {self._hint(name)}")

    def _hint(self, name: str) -> str:
        folded = {known.casefold(): known for known in self.classes}
        near = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)
        if not near:
            hint = f'known: {shorten(self.classes, 20)}. Correct the name'
            if self._has_aliases:
                hint += f", map it by aliases={{'{name}': '<class>'}}, or add it to "
                hint += 'metainfo.classes'
            return hint + '.'
        known = folded[near[0]]
        hint = f"nearest: '{known}'. If they are the same, correct the name"
        if self._has_aliases:
            hint += f", or map it by aliases={{'{name}': '{known}'}} in the data set's "
            hint += 'config'
        return hint + '.'
