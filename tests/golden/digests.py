"""Numbers and texts in few characters."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

# Half of a SHA-256 is enough to tell two results apart.
LENGTH = 32


def digest(texts: Iterable[str | bytes]) -> str:
    """SHA-256, shortened, of texts one after the other."""
    sha = hashlib.sha256()
    for text in texts:
        sha.update((text if isinstance(text, bytes) else text.encode()) + b'\n')
    return sha.hexdigest()[:LENGTH]


def numbers_in(node: Any) -> list[str]:
    """All numbers inside a nested structure, sorted, whatever their keys are called.

    A list of numbers is one entry, since its order means something. Nine digits: the
    last ones of a sum depend on the machine.
    """
    return sorted(_numbers(node))


def _numbers(node: Any) -> Iterator[str]:
    if isinstance(node, bool | int | float):
        yield _spelt(node)
    elif isinstance(node, Mapping):
        for part in node.values():
            yield from _numbers(part)
    elif isinstance(node, list | tuple):
        if node and all(isinstance(part, bool | int | float) for part in node):
            yield '[{}]'.format(', '.join(map(_spelt, node)))
        else:
            for part in node:
                yield from _numbers(part)


def _spelt(number: float) -> str:
    return f'{number:.9g}' if isinstance(number, float) else str(number)
