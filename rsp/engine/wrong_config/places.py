"""Find the key of a config that a part was built from."""

from collections.abc import Iterator, Mapping
from typing import Any


def walk(cfg: Any, path: str = '') -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield dotted key and value of every dict in nested settings, outer ones first.

    Keys of lists are written as ``pipeline[1]``.
    """
    if isinstance(cfg, Mapping):
        yield path, cfg
        for key, value in cfg.items():
            yield from walk(value, f'{path}.{key}' if path else str(key))
    elif isinstance(cfg, list | tuple):
        for number, value in enumerate(cfg):
            yield from walk(value, f'{path}[{number}]')


def key_of(cfg: Any, part: Mapping[str, Any], key: str | None = None) -> str:
    """Return the dotted key at which a config holds the settings of a part.

    Parts are built from copies, with arguments added or taken out: the dict that
    shares most settings is it.

    Args:
        cfg: The whole config.
        part: Settings that a part was built from.
        key: One of them that the dict has to hold, if known.

    Returns:
        Empty if there is no such dict.
    """
    best: int | None = None
    place = ''
    for path, node in walk(cfg):
        if not path or (key is not None and not _agree(node, part, key)):
            continue
        kind = node.get('type')
        if kind is not None and part.get('type', kind) != kind:
            continue
        if 'type' not in part and node.keys() == part.keys():
            if all(_agree(node, part, name) for name in node):
                return path
        if key is None and (kind is None or kind != part.get('type')):
            continue
        shared = sum(_agree(node, part, name) for name in node)
        shared -= len(node.keys() - part.keys())
        if best is None or shared > best:
            best, place = shared, path
    return place


def _agree(one: Mapping[str, Any], other: Mapping[str, Any], key: str) -> bool:
    if key not in one or key not in other:
        return False
    try:
        return one[key] is other[key] or bool(one[key] == other[key])
    except (ValueError, RuntimeError):  # Arrays and tensors compare by element.
        return False
