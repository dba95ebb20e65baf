"""Read values of a config's text without running it."""

import ast
from typing import Any


def config_value(config_text: Any, *keys: str) -> Any:
    """Return one value of a config's text, which is parsed, never run.

    Args:
        config_text: As mmengine writes it into checkpoints.
        keys: Name of an assignment, then keys inside.

    Returns:
        Numbers, texts, lists and dictionaries; None if it is not there, or no text, or
        anything else.
    """
    value: Any = config_values(config_text)
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def config_values(config_text: Any) -> dict[str, Any]:
    """Return all values of a config's text, which is parsed, never run.

    Args:
        config_text: As mmengine writes it into checkpoints.

    Returns:
        By name: numbers, texts, lists and dictionaries, None for anything else; empty
        if it is no text.
    """
    if not isinstance(config_text, str):
        return {}
    try:
        statements = ast.parse(config_text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    return {
        statement.targets[0].id: _plain(statement.value)
        for statement in statements
        if isinstance(statement, ast.Assign)
        and isinstance(statement.targets[0], ast.Name)
    }


def _plain(node: ast.expr) -> Any:
    """Evaluate an expression of literals and ``dict(...)``; None for all else."""
    match node:
        case ast.Call(ast.Name('dict'), [], keywords):
            return {w.arg: _plain(w.value) for w in keywords if w.arg is not None}
        case ast.Dict(keys, values):
            pairs = zip(keys, values, strict=True)
            return {
                _plain(k): _plain(v) for k, v in pairs if isinstance(k, ast.Constant)
            }
        case ast.List(items) | ast.Tuple(items):
            return [_plain(item) for item in items]
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError):
        return None
