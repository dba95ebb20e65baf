"""Read the overrides of a config on the command line."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mmengine.config import Config, DictAction

from rsp.errors import UserError


def parse_options(words: Sequence[str]) -> dict[str, Any]:
    """Parse words of the form ``KEY=VALUE`` as mmengine's tools do.

    Args:
        words: Keys are dotted; values as Python writes them, e.g. ``2``, ``[1,2]``.

    Raises:
        UserError: If the brackets of a value do not match.
    """
    options = {}
    for word in words:
        key, _, value = word.partition('=')
        try:
            options[key] = DictAction._parse_iterable(value)
        except AssertionError as error:
            raise UserError(
                f'--cfg-options {word}: {error}; quote values with brackets.'
            ) from error
    return options


def refuse_misplaced(options: Iterable[str], cfg: Config) -> None:
    """Refuse an override below something that has no keys.

    Args:
        options: Dotted keys.
        cfg: What they override.

    Raises:
        UserError: With the first key that leads nowhere.
    """
    for option in options:
        place: Any = cfg
        path: list[str] = []
        for key in option.split('.'):
            where = f"--cfg-options {option}: '{'.'.join(path)}' is"
            if isinstance(place, Mapping | Config):
                if key not in place:
                    break
                place = place[key]
            elif isinstance(place, list):
                if not (key.isdigit() and int(key) < len(place)):
                    raise UserError(
                        f'{where} a list of {len(place)}, expected a number from 0 to '
                        f"{len(place) - 1} behind it, got '{key}'."
                    )
                place = place[int(key)]
            else:
                raise UserError(
                    f"{where} {place!r} in this config, and has no '{key}'; leave the "
                    'option out, or override a key that is there.'
                )
            path.append(key)
