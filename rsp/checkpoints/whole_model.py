"""Resume, start or evaluate a whole model from a checkpoint, or refuse it."""

from dataclasses import replace

from torch import Tensor, nn

from rsp.checkpoints.checkpoint import Checkpoint
from rsp.checkpoints.diff import StateDictDiff, compare, load_state_dict
from rsp.checkpoints.formats import PRETRAINING_ONLY, list_modules
from rsp.errors import UserError, shorten


def check_resumable(checkpoint: Checkpoint, model: nn.Module) -> None:
    """Refuse to resume from the checkpoint of another model.

    mmengine would load what fits, log the rest, and train on.

    Args:
        checkpoint: The one to resume.
        model: The model of this run, without a wrapper.

    Raises:
        UserError: If a name or shape differs, or if the file holds weights only.
    """
    diff = compare(checkpoint.state_dict, model.state_dict())
    # A run's own checkpoint holds these tensors as well, so none may be missing.
    diff = replace(diff, missing=(*diff.missing, *diff.derived, *diff.new))
    path = checkpoint.path
    if not diff.complete:
        raise UserError(
            f"cannot resume {type(model).__name__} from '{path}', which seems to be "
            f'{checkpoint}: {diff.differences()}. To start a new run from the weights '
            f'that fit, use --cfg-options load_from={path} in place of --resume.'
        )
    lacking = [key for key in ('meta', 'message_hub') if key not in checkpoint.content]
    if lacking:
        raise UserError(
            f"cannot resume from '{path}': it holds weights, but not the state of a "
            f'run ({" and ".join(lacking)} missing). To start a new run from them, use '
            f'--cfg-options load_from={path} in place of --resume.'
        )


def check_overlap(checkpoint: Checkpoint, model: nn.Module) -> None:
    """Refuse a checkpoint of which no tensor fits; mmengine would only log it.

    Args:
        checkpoint: The one to start from.
        model: The model of this run, without a wrapper.

    Raises:
        UserError: If no name and shape is the model's.
    """
    wanted = model.state_dict()
    if not compare(checkpoint.state_dict, wanted).loaded:
        raise UserError(
            f"no tensor of '{checkpoint.path}' fits {type(model).__name__}: it seems "
            f'to be {checkpoint}, with {checkpoint.modules()}; the model has '
            f'{list_modules(wanted)}. Change load_from.'
        )


def load_whole_model(model: nn.Module, checkpoint: Checkpoint) -> list[str]:
    """Give every tensor of a model its value from a checkpoint, or refuse.

    Takes pre-training checkpoints (the branch their method hands on), exported
    backbones, classifiers, and bare backbones whose names lack ``backbone.``. Tensors
    that the model lacks, such as a queue, are left out; none of the file's backbone may
    be, or a ResNet-101 would pass for a ResNet-50.

    Args:
        model: Without a wrapper; changed in place.
        checkpoint: Of any format.

    Returns:
        Names of the tensors left out.

    Raises:
        UserError: If a tensor of the model is missing or of another shape, or the model
            lacks one of the file's backbone.
    """
    diff = load_state_dict(model, _rename_backbone(checkpoint, model.state_dict()))
    unread = tuple(
        name
        for name in diff.unexpected
        if name.startswith('backbone.')
        and name.removeprefix('backbone.') not in PRETRAINING_ONLY
    )
    # Unlike a backbone's, no normalization of a whole model may be left as it was.
    mismatch = replace(diff, missing=(*diff.missing, *diff.new), unexpected=unread)
    if not mismatch.complete:
        raise UserError(_refusal(model, checkpoint, mismatch))
    return list(diff.unexpected)


def _rename_backbone(
    checkpoint: Checkpoint, wanted: dict[str, Tensor]
) -> dict[str, Tensor]:
    """Return a foreign or bare backbone under ``backbone.``; others as they are."""
    state, found = checkpoint.state_dict, checkpoint.format
    if found is None:
        bare = {f'backbone.{name}': tensor for name, tensor in state.items()}
        return bare if bare.keys() & wanted.keys() else state
    has_our_names = any(
        name.startswith('backbone.') and name in wanted for name in state
    )
    # GeoKR's checkpoint has our names, but does not hand on its student.
    whole = any(name.startswith('teacher.') for name in wanted)
    if has_our_names and (whole or found.default == 'student'):
        return state
    own = {
        name.removeprefix('backbone.'): tensor
        for name, tensor in wanted.items()
        if name.startswith('backbone.')
    }
    taken = checkpoint.backbone().for_model(own)
    return {f'backbone.{name}': tensor for name, tensor in taken.items()}


def _refusal(model: nn.Module, checkpoint: Checkpoint, diff: StateDictDiff) -> str:
    missing = [name for name in diff.missing if not name.startswith('backbone.')]
    if missing and len(missing) == len(diff.missing) and not diff.reshaped:
        modules = sorted({name.split('.')[0] for name in missing})
        remedy = (
            f'{shorten(modules, 4)} must have been trained: give the checkpoint of a '
            'fine-tuned model, or a config that needs the backbone alone'
        )
    else:
        remedy = (
            'give a checkpoint of the architecture in the config (model.backbone), or '
            'the config of this checkpoint'
        )
    return (
        f"'{checkpoint.path}' does not fit {type(model).__name__}: "
        f'{diff.differences()}. It seems to be {checkpoint}, with '
        f'{checkpoint.modules()}; {remedy}.'
    )
