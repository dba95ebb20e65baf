"""Whether the tensors of a checkpoint are those of a model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from rsp.checkpoints.conversion import take_backbone
from rsp.checkpoints.layout import describe, list_parts, state_dict_of
from rsp.checkpoints.layouts import PRETRAINING_ONLY, recognise
from rsp.errors import UserError, shorten


@dataclass(frozen=True)
class Misfit:
    """Where names or shapes differ; false if they do not.

    Attributes:
        missing: Tensors of the model that the file lacks.
        unexpected: Tensors of the file that the model lacks.
        reshaped: Tensors of both, with both shapes.
    """

    missing: Sequence[str]
    unexpected: Sequence[str]
    reshaped: Sequence[str]

    def __bool__(self) -> bool:
        return bool(self.missing or self.unexpected or self.reshaped)

    def __str__(self) -> str:
        kinds = (
            (self.missing, 'missing'),
            (self.unexpected, 'unexpected'),
            (self.reshaped, 'of another shape'),
        )
        return '; '.join(
            f'{len(names)} {kind} ({shorten(names, 4)})'
            for names, kind in kinds
            if names
        )


def compare(state_dict: Mapping[str, Tensor], model: nn.Module) -> Misfit:
    """Compare names and shapes with those of a model.

    Args:
        state_dict: Tensors by name.
        model: Without a wrapper.
    """
    wanted = model.state_dict()
    return Misfit(
        missing=[name for name in wanted if name not in state_dict],
        unexpected=[name for name in state_dict if name not in wanted],
        reshaped=[
            f'{name}: {tuple(state_dict[name].shape)} in the file, '
            f'{tuple(tensor.shape)} in the model'
            for name, tensor in wanted.items()
            if name in state_dict and state_dict[name].shape != tensor.shape
        ],
    )


def refuse_misfit(checkpoint: Mapping[str, Any], model: nn.Module, path: str) -> None:
    """Refuse to go on from a checkpoint that another model wrote.

    mmengine would load what fits, log the rest, and train on.

    Args:
        checkpoint: What the file holds.
        model: The model of this run, without a wrapper.
        path: The file, for the message.

    Raises:
        ValueError: If a name or shape differs, or if the file holds weights only.
    """
    misfit = compare(state_dict_of(checkpoint), model)
    if misfit:
        raise UserError(
            f"cannot resume {type(model).__name__} from '{path}', which seems to be "
            f'{describe(checkpoint)}: {misfit}. To start a new run from the weights '
            f'that fit, use --cfg-options load_from={path} in place of --resume.'
        )
    lacking = [key for key in ('meta', 'message_hub') if key not in checkpoint]
    if lacking:
        raise UserError(
            f"cannot resume from '{path}': it holds weights, but not the state of a "
            f'run ({" and ".join(lacking)} missing). To start a new run from them, use '
            f'--cfg-options load_from={path} in place of --resume.'
        )


def refuse_stranger(checkpoint: Mapping[str, Any], model: nn.Module, path: str) -> None:
    """Refuse a checkpoint of which no tensor fits; mmengine would only log it.

    Args:
        checkpoint: What the file holds.
        model: The model of this run, without a wrapper.
        path: The file, for the message.

    Raises:
        ValueError: If no name and shape is the model's.
    """
    state = state_dict_of(checkpoint)
    wanted = model.state_dict()
    if not any(n in wanted and wanted[n].shape == t.shape for n, t in state.items()):
        raise UserError(
            f"no tensor of '{path}' fits {type(model).__name__}: it seems to be "
            f'{describe(checkpoint)}, with {list_parts(state)}; the model has '
            f'{list_parts(wanted)}. Change load_from.'
        )


def load_all(model: nn.Module, checkpoint: Mapping[str, Any], path: str) -> list[str]:
    """Give every tensor of a model its value from a checkpoint, or refuse.

    Takes pre-training checkpoints (the part their method hands on), exported backbones,
    classifiers, and bare backbones whose names lack ``backbone.``. What the model has
    no place for, such as a queue, is left out; nothing of the file's backbone may be,
    or a ResNet-101 would pass for a ResNet-50.

    Args:
        model: Without a wrapper; changed in place.
        checkpoint: What the file holds.
        path: The file, for the message.

    Returns:
        Names of the tensors left out.

    Raises:
        ValueError: If a tensor of the model is missing or of another shape, or one of
            the file's backbone has no place.
    """
    state = _by_our_names(state_dict_of(checkpoint), model)
    try:
        # Through torch, because models adapt some tensors to their size on the way in
        # (position embeddings).
        result = model.load_state_dict(state, strict=False)
    except RuntimeError as error:
        misfit = compare(state, model)
        raise UserError(_does_not_fit(model, checkpoint, path, misfit)) from error
    # Weights older than these counters are complete without them.
    missing = [n for n in result.missing_keys if 'num_batches_tracked' not in n]
    homeless = [
        name
        for name in result.unexpected_keys
        if name.startswith('backbone.')
        and name.removeprefix('backbone.') not in PRETRAINING_ONLY
    ]
    if missing or homeless:
        misfit = Misfit(missing, homeless, [])
        raise UserError(_does_not_fit(model, checkpoint, path, misfit))
    return list(result.unexpected_keys)


def _by_our_names(state: dict[str, Tensor], model: nn.Module) -> dict[str, Tensor]:
    """The backbone of a foreign or bare file as ``backbone.``; others as they are."""
    wanted = model.state_dict()
    ours = any(name.startswith('backbone.') and name in wanted for name in state)
    try:
        layout = recognise(state)
    except ValueError:
        bare = {f'backbone.{name}': tensor for name, tensor in state.items()}
        return bare if bare.keys() & wanted.keys() else state
    # GeoKR's checkpoint has our names, but does not hand on its student.
    whole = any(name.startswith('teacher.') for name in wanted)
    if ours and (whole or layout.default == 'student'):
        return state
    taken = take_backbone(state).tensors
    return {f'backbone.{name}': tensor for name, tensor in taken.items()}


def _does_not_fit(
    model: nn.Module, checkpoint: Mapping[str, Any], path: str, misfit: Misfit
) -> str:
    missing = [name for name in misfit.missing if not name.startswith('backbone.')]
    if missing and len(missing) == len(misfit.missing) and not misfit.reshaped:
        remedy = (
            f'{shorten(sorted({n.split(".")[0] for n in missing}), 4)} must have been '
            'trained: give the checkpoint of a fine-tuned model, or a config that '
            'needs the backbone alone'
        )
    else:
        remedy = (
            'give a checkpoint of the architecture in the config (model.backbone), or '
            'the config of this checkpoint'
        )
    parts = list_parts(state_dict_of(checkpoint))
    return (
        f"'{path}' does not fit {type(model).__name__}: {misfit}. It seems to be "
        f'{describe(checkpoint)}, with {parts}; {remedy}.'
    )
