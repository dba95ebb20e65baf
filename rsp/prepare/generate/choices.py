"""Decide what the user left open, and keep the reasons."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from rsp.prepare.generate.options import Options


@dataclass(frozen=True)
class Choice:
    """Store a decision, why it was made and which option changes it.

    Attributes:
        what: Of what it is one, e.g. ``'method'``.
        chosen: What was decided.
        why: The reason; ``'as given'`` if it was the user's.
        option: What changes it.
    """

    what: str
    chosen: str
    why: str
    option: str

    def __str__(self) -> str:
        return f'  {self.what}: {self.chosen}, {self.why} ({self.option})'


def choose_options(
    method: str | None,
    recipe: str | None,
    bands: Sequence[int | str] | None,
    **options: Any,
) -> tuple[Options, list[Choice]]:
    """Fill in the method and the recipe.

    Args:
        method: A key of `METHODS`; None for GeoKR where land cover is given, else CMID,
            which needs nothing beside the images.
        recipe: ``'small'`` or ``'full'``; None for the one that the device can train.
        bands: See `Options`.
        options: Further arguments of `Options`.

    Returns:
        The options, and what was decided.
    """
    has_map = options.get('land_cover') is not None or options.get('labels') is not None
    has_gpu = torch.cuda.is_available()
    chosen_method = method or ('geokr' if has_map else 'cmid')
    chosen_recipe = recipe or ('full' if has_gpu else 'small')
    cover = 'land cover given' if has_map else 'no land cover given'
    device = 'there is a GPU' if has_gpu else 'there is no GPU'
    choices = [
        Choice('method', chosen_method, 'as given' if method else cover, '--method'),
        Choice('recipe', chosen_recipe, 'as given' if recipe else device, '--recipe'),
    ]
    chosen = Options(
        method=chosen_method,
        small=chosen_recipe == 'small',
        bands=None if bands is None else tuple(bands),
        **options,
    )
    return chosen, choices
