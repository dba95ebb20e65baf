"""How messages name many things."""

from collections.abc import Sequence


def some(names: Sequence[str], shown: int = 5, more: str = '...') -> str:
    """The first few names, for a message: ``'a, b, ...'``.

    Args:
        names: In the order in which they are to be shown.
        shown: How many of them.
        more: What stands for the others.
    """
    return ', '.join([*names[:shown], *([more] if len(names) > shown else [])])
