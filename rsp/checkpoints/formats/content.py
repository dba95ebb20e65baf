"""Find the tensors in the dictionary of a checkpoint file."""

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from rsp.errors import UserError

# Under what a file may keep the tensors of a whole model; `module` is DeepSpeed's.
WRAPPERS = (
    *('state_dict', 'model', 'module', 'model_state_dict', 'model_state'),
    *('net', 'network', 'params', 'weights'),
)
# Under what it may keep those of one of several networks, and what is put before them.
# mmengine's `ema_state_dict`, beside its `meta`, is none: there it is the average that
# `state_dict` holds.
NESTED = {
    'student': 'student',
    'teacher': 'teacher',
    'student_state_dict': 'student',
    'teacher_state_dict': 'teacher',
    'online': 'online_network',
    'target': 'target_network',
    'online_network_state_dict': 'online_network',
    'target_network_state_dict': 'target_network',
    'encoder': 'encoder',
    'target_encoder': 'target_encoder',
    'backbone': 'backbone',
    'state_dict_ema': 'ema',
    'model_ema': 'ema',
    'params_ema': 'ema',
    'ema': 'ema',
    'ema_model': 'ema',
    'ema_model_state_dict': 'ema',
    'ema_state_dict': 'ema',
}
# What wrappers put before names: DDP's at the beginning, torch.compile's, FSDP's and
# Lightning's strategies' anywhere.
AT_BEGINNING = re.compile(r'(module\.)+')
ANYWHERE = re.compile(
    r'(?<![^.])(_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module'
    r'|_forward_module)\.'
)
# Our tensors by the names of earlier versions.
FORMER_NAMES = {'local_head.centre': 'local_head.center'}


def get_state_dict(content: Mapping[str, Any]) -> dict[str, Tensor]:
    """Return the tensors in a checkpoint, without a wrapper's ``module.``.

    Args:
        content: Of a file: ``state_dict`` or ``model`` beside other things, networks
            each in its own dictionary, or bare tensors by name.

    Returns:
        By name; of dictionaries for several networks with ``student.``, ``teacher.``,
        ``ema.`` and the like in front.

    Raises:
        UserError: If there are no tensors by name.
    """
    state = _model_in(content)
    tensors = _tensors(state)
    nested: dict[str, Tensor] = {}
    for place in (content, state) if state is not content else (content,):
        for key, prefix in NESTED.items():
            if key == 'ema_state_dict' and 'meta' in content:
                continue
            inner = place.get(key)
            found = _tensors(_model_in(inner)) if isinstance(inner, Mapping) else {}
            nested |= {f'{prefix}.{name}': t for name, t in found.items()}
    averages = any(name.startswith(('ema.', 'teacher.')) for name in nested)
    if averages and not any(name.startswith('student.') for name in nested):
        # timm's: a network, and its average beside it.
        tensors = {f'student.{name}': tensor for name, tensor in tensors.items()}
    tensors |= nested
    if not tensors:
        optimizer = 'param_groups' in content or 'optimizer' in content
        hint = ', which is the state of an optimizer without the model'
        raise UserError(
            "expected 'state_dict' or tensors by name, got the keys "
            f'{sorted(map(str, content))[:8]}{hint if optimizer else ""}.'
        )
    return tensors


def _model_in(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the dictionary of the model, which may be the whole content."""
    for key in WRAPPERS:
        part = content.get(key)
        if isinstance(part, Mapping) and (_tensors(part) or NESTED.keys() & part):
            return part
    return content


def _tensors(state: Mapping[str, Any]) -> dict[str, Tensor]:
    """Return the tensors of a dictionary by the names of the module itself."""
    plain = {_plain_name(k): v for k, v in state.items() if isinstance(v, Tensor)}
    return {FORMER_NAMES.get(name, name): tensor for name, tensor in plain.items()}


def _plain_name(name: str) -> str:
    name = ANYWHERE.sub('', name)
    return name[match.end() :] if (match := AT_BEGINNING.match(name)) else name
