"""Arguments of ``rsp.SceneDataset`` that do not fit together."""

from collections.abc import Sequence
from typing import Any

from rsp.errors import UserError


def pair(name: str, value: int | Sequence[int]) -> tuple[int, int]:
    """Return an edge or (height, width) as the latter.

    Raises:
        ValueError: If it is neither.
    """
    both = (value, value) if isinstance(value, int) else tuple(value)
    if len(both) != 2 or min(both) < 1:
        raise UserError(
            f"expected '{name}' as an edge or (height, width) in pixels, got {value}."
        )
    return both


def check_arguments(given: dict[str, Any], is_random: bool) -> None:
    """Refuse arguments that contradict each other.

    Args:
        given: Arguments of ``rsp.SceneDataset`` by name.
        is_random: Whether it draws random windows.

    Raises:
        ValueError: If they do.
    """
    if given['mode'] not in ('random', 'grid'):
        raise UserError(f"expected mode='random' or 'grid', got {given['mode']!r}.")
    if given['labels'] is not None and given['land_cover'] is not None:
        raise UserError("expected 'labels' or 'land_cover', got both; drop one.")
    together, most = given['windows_per_read'], given['max_per_scene']
    for_random = dict(
        reject=given['reject'],
        length=given['length'] is not None,
        align=given['align'],
        windows_per_read=together > 1,
        max_per_scene=most,
    )
    wrong = [name for name, is_set in for_random.items() if is_set]
    if wrong and not is_random:
        raise UserError(
            f"{', '.join(wrong)} are for random windows; drop them with mode='grid' or "
            "'labels'."
        )
    if given['align'] and together > 1:
        raise UserError("expected 'align' or 'windows_per_read', got both; drop one.")
    if together < 1 or (most is not None and most < together):
        raise UserError(
            "expected 'windows_per_read' from 1 to 'max_per_scene', got "
            f'{together} and {most}.'
        )
    if given['retries'] < 0 or given['read_threads'] < 0 or given['cache_mb'] < 0:
        raise UserError(
            "expected 'retries', 'read_threads' and 'cache_mb' of 0 or more."
        )
    share = given['max_nodata']
    if share is not None and not 0 <= share <= 1:
        raise UserError(f"expected 'max_nodata' from 0 to 1, got {share}.")
    if given['length'] is not None and given['length'] < 1:
        raise UserError(f"expected 'length' of at least 1, got {given['length']}.")
