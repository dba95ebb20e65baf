"""The names in a checkpoint: which part a tensor belongs to, which run wrote it."""

import ast
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from torch import Tensor

from rsp.errors import UserError

# Under what a file may keep the tensors; the second is CMID's and timm's.
WRAPPERS = ('state_dict', 'model')


def state_dict_of(checkpoint: Mapping[str, Any]) -> dict[str, Tensor]:
    """The model's tensors in a checkpoint, without a wrapper's ``module.``.

    Args:
        checkpoint: What a file holds: ``state_dict`` or ``model`` beside other things,
            or bare tensors by name.

    Raises:
        ValueError: If there are no tensors by name.
    """
    wrapped = [checkpoint.get(key) for key in WRAPPERS]
    state = next((w for w in wrapped if isinstance(w, Mapping)), checkpoint)
    tensors = {k: v for k, v in state.items() if isinstance(v, Tensor)}
    if not tensors:
        raise UserError(
            "expected 'state_dict' or tensors by name, got the keys "
            f'{sorted(map(str, checkpoint))[:8]}{_hint(checkpoint)}.'
        )
    return {name.removeprefix('module.'): tensor for name, tensor in tensors.items()}


def _hint(checkpoint: Mapping[str, Any]) -> str:
    """What a file without weights seems to be."""
    if 'param_groups' in checkpoint or 'optimizer' in checkpoint:
        return ', which is the state of an optimiser without the model'
    return ''


def list_parts(state_dict: Iterable[str]) -> str:
    """Sum up a state dict: ``'backbone (120 tensors), neck (4), queue (2)'``."""
    counts: Counter[str] = Counter()
    for name in state_dict:
        levels = name.split('.')
        wrapped = levels[1:2] == ['module']
        counts['.'.join(levels[: 3 if wrapped else 1])] += 1
    listed = [f'{name} ({count})' for name, count in counts.items()]
    plural = '' if next(iter(counts.values()), 0) == 1 else 's'
    return ', '.join(listed[:12]).replace(')', f' tensor{plural})', 1)


def describe(checkpoint: Mapping[str, Any]) -> str:
    """Say what a checkpoint seems to be: ``'a checkpoint of MoCo, epoch 3'``.

    Args:
        checkpoint: What a file holds.
    """
    meta = checkpoint.get('meta') or {}
    method = config_value(meta.get('cfg'), 'model', 'type')
    if method is None:
        parts = list_parts(state_dict_of(checkpoint))
        return f'a file with {parts} that does not name its model'
    progress = [f'{key} {meta[key]}' for key in ('epoch', 'iter') if key in meta]
    return ', '.join([f'a checkpoint of {method}', *progress])


def config_value(config_text: Any, *keys: str) -> Any:
    """One value of a config's text, which is parsed, never run.

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
    """The value of an expression of literals and ``dict(...)``; None for all else."""
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
