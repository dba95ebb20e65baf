"""Read yes and no in annotations, as the tools of the field write them."""

from typing import Any

from rsp.errors import UserError

YES, NO = ('1', 'true', 'yes'), ('0', 'false', 'no', '')


def read_flag(value: Any, name: str, expected: str = '0 or 1') -> bool:
    """Read a flag such as ``difficult`` or ``iscrowd``.

    Text is not taken by its truth: ``'0'`` and ``'false'`` are true in Python.

    Args:
        value: 0 or 1, true or false, yes or no, as a number or as text in any case;
            None and empty text are no.
        name: Of the flag, for the message.
        expected: Valid values, for the message.

    Raises:
        UserError: If it is something else.
    """
    text = '' if value is None else str(value).strip().lower()
    if isinstance(value, float) and value.is_integer():
        text = str(int(value))
    if text not in YES + NO:
        raise UserError(f'expected {expected} in {name}, got {value!r}; correct it.')
    return text in YES
