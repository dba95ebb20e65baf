"""Overrides of a config on the command line: KEY=VALUE, or what is wrong with it."""

import argparse
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mmengine.config import Config, DictAction

from rsp.errors import UserError


class OptionsAction(DictAction):
    """mmengine's reader of ``KEY=VALUE``, with a message instead of a traceback."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        """Read the values.

        Raises:
            argparse.ArgumentError: If one is no ``KEY=VALUE``.
        """
        given = [values] if isinstance(values, str) else [*(values or ())]
        lacking = [text for text in given if '=' not in text]
        if lacking:
            raise argparse.ArgumentError(
                self, f"expected KEY=VALUE, got '{lacking[0]}'; write no spaces in it"
            )
        try:
            super().__call__(parser, namespace, given, option_string)
        except AssertionError as error:
            raise argparse.ArgumentError(
                self, f'{error}; quote values with brackets'
            ) from error


def refuse_misplaced(options: Iterable[str], cfg: Config) -> None:
    """Refuse an override below something that has no keys.

    Args:
        options: Dotted keys.
        cfg: What they override.

    Raises:
        ValueError: With the first key that leads nowhere.
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
