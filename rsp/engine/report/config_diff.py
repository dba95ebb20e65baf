"""Find the shipped recipe that a run came from, and what differs from it."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from rsp.engine.train import load_config
from rsp.errors import UserError
from rsp.io.configs import config_folder

# What every run gets or sets for itself.
OWN = ('launcher', 'work_dir', 'resume')
ABSENT = object()


class Difference(NamedTuple):
    """Hold a key whose value differs; None stands for a key that is not there."""

    key: str
    recipe: str | None
    run: str | None


class Recipe(NamedTuple):
    """Hold the shipped config that is nearest to a run's."""

    path: str
    differences: list[Difference]


def read_dumped(file: Path) -> dict[str, Any]:
    """Read the config that mmengine wrote to a work dir, without running it.

    Raises:
        UserError: If it holds anything but literals and ``dict(...)``.
    """
    try:
        tree = ast.parse(file.read_text(encoding='utf-8'))
        return {
            statement.targets[0].id: _literal(statement.value)  # type: ignore[attr-defined]
            for statement in tree.body
            if isinstance(statement, ast.Assign)
        }
    except (SyntaxError, ValueError, AttributeError, RecursionError) as error:
        raise UserError(
            f"expected a config as mmengine writes it in '{file}', got: {error}; "
            'remove it, or let --resume write it again.'
        ) from error


def _literal(node: ast.expr) -> Any:
    if isinstance(node, ast.Call) and getattr(node.func, 'id', None) == 'dict':
        made: dict[Any, Any] = {}
        for part in node.args:
            made |= _literal(part)
        for word in node.keywords:
            value = _literal(word.value)
            made |= value if word.arg is None else {word.arg: value}
        return made
    if isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        return {_literal(k): _literal(v) for k, v in pairs if k is not None}
    if isinstance(node, ast.List | ast.Tuple):
        items = [_literal(item) for item in node.elts]
        return items if isinstance(node, ast.List) else tuple(items)
    # inf and nan, as repr writes them.
    if isinstance(node, ast.Name) and node.id in ('inf', 'nan'):
        return float(node.id)
    return ast.literal_eval(node)


def nearest_recipe(name: str, config: Mapping[str, Any]) -> Recipe | None:
    """Find the shipped config that a run was started from, or is the nearest to.

    Those of the same file name come first, as ``--cfg-options`` leaves it; for a config
    of the user's own, those of the same folder that build the same model.

    Args:
        name: Stem of the run's config.
        config: Of the run.
    """
    folder = config_folder()
    shipped = [f for f in sorted(folder.rglob('*.py')) if '_base_' not in f.parts]
    model = config.get('model') or {}
    kind = f"type='{model.get('type')}'"
    candidates = [f for f in shipped if f.stem == name]
    if not candidates:
        candidates = [f for f in shipped if kind in f.read_text(encoding='utf-8')]
    found = []
    for file in candidates:
        try:
            recipe = load_config(str(file), None, 'none', None)
        except Exception:  # One that cannot be read here is not near.
            continue
        path = file.relative_to(folder.parent).as_posix()
        found.append(Recipe(path, [*differences(recipe.to_dict(), config)]))
    return min(found, key=lambda recipe: len(recipe.differences), default=None)


def differences(recipe: Any, run: Any, key: str = '') -> Iterator[Difference]:
    """Yield the innermost keys whose values differ, dotted.

    Lists of dictionaries of one length are compared item by item.
    """
    if isinstance(recipe, Mapping) and isinstance(run, Mapping):
        pairs: list[tuple[Any, Any, Any]] = [
            (name, recipe.get(name, ABSENT), run.get(name, ABSENT))
            for name in dict.fromkeys([*recipe, *run])
            if key or name not in OWN
        ]
    elif _comparable(recipe, run):
        pairs = [(i, *two) for i, two in enumerate(zip(recipe, run, strict=True))]
    else:
        if _plain(recipe) != _plain(run):
            yield Difference(key, _show(recipe), _show(run))
        return
    for name, one, other in pairs:
        yield from differences(one, other, f'{key}.{name}' if key else str(name))


def _comparable(one: Any, other: Any) -> bool:
    lists = isinstance(one, list | tuple) and isinstance(other, list | tuple)
    return (
        lists
        and len(one) == len(other)
        and any(isinstance(item, Mapping | list | tuple) for item in one)
    )


def _plain(value: Any) -> Any:
    """Return a value with tuples as lists, for the file does not tell them apart."""
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    return value


def _show(value: Any) -> str | None:
    return None if value is ABSENT else repr(_plain(value))
