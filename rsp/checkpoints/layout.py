"""The names in a checkpoint: which part a tensor belongs to, which run wrote it."""

import ast
from collections import Counter
from collections.abc import Mapping
from typing import Any

from torch import Tensor

# Where each backbone stands. The second layout of a teacher is that of mmpretrain's
# momentum encoders, a Sequential of backbone and neck.
BACKBONES: dict[str, tuple[str, ...]] = {
    'student': ('backbone.',),
    'teacher': ('teacher.module.backbone.', 'momentum_encoder.module.0.'),
}


# Tensors of a backbone without a place downstream: no image is masked there.
PRETRAINING_ONLY = ('mask_token',)


def state_dict_of(checkpoint: Mapping[str, Any]) -> dict[str, Tensor]:
    """The model's tensors in a checkpoint, without a wrapper's ``module.``.

    Args:
        checkpoint: What a file holds: ``state_dict`` beside other things, or bare
            tensors by name.

    Raises:
        ValueError: If there are no tensors by name.
    """
    state = checkpoint.get('state_dict', checkpoint)
    tensors = {k: v for k, v in state.items() if isinstance(v, Tensor)}
    if not tensors:
        raise ValueError(
            "expected 'state_dict' or tensors by name, got the keys "
            f'{sorted(map(str, checkpoint))[:8]}.'
        )
    return {name.removeprefix('module.'): tensor for name, tensor in tensors.items()}


def backbone_prefix(state_dict: Mapping[str, Tensor], part: str) -> str:
    """The prefix under which a student's or teacher's backbone stands.

    Args:
        state_dict: Tensors by name.
        part: A key of `BACKBONES`.

    Raises:
        ValueError: If the part is not there; the message lists what is.
    """
    if part not in BACKBONES:
        raise ValueError(f'expected part to be one of {list(BACKBONES)}, got {part!r}.')
    for prefix in BACKBONES[part]:
        if any(name.startswith(prefix) for name in state_dict):
            return prefix
    raise ValueError(
        f'no backbone of a {part} (names starting with '
        f'{" or ".join(BACKBONES[part])}) among the parts of this checkpoint: '
        f'{list_parts(state_dict)}.'
    )


def list_parts(state_dict: Mapping[str, Tensor]) -> str:
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
    method = _model_type(meta.get('cfg', ''))
    if method is None:
        parts = list_parts(state_dict_of(checkpoint))
        return f'a file with {parts} that does not name its model'
    progress = [f'{key} {meta[key]}' for key in ('epoch', 'iter') if key in meta]
    return ', '.join([f'a checkpoint of {method}', *progress])


def _model_type(config_text: Any) -> str | None:
    """``model.type`` of a config's text, which is parsed, never run."""
    if not isinstance(config_text, str):
        return None
    try:
        statements = ast.parse(config_text).body
    except SyntaxError:
        return None
    for statement in statements:
        match statement:
            case ast.Assign([ast.Name('model')], ast.Call(keywords=keywords)):
                types = [word.value for word in keywords if word.arg == 'type']
                if types and isinstance(types[0], ast.Constant):
                    return str(types[0].value)
    return None
