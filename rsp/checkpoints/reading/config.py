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
    if not isinstance(config_text, str):
        return None
    try:
        statements = ast.parse(config_text).body
    except (SyntaxError, ValueError, RecursionError):
        return None
    value = None
    for statement in statements:
        match statement:
            case ast.Assign([ast.Name(name)], node) if name == keys[0]:
                value = _plain(node)
    for key in keys[1:]:
        value = value.get(key) if isinstance(value, dict) else None
    return value


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
