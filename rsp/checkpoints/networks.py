"""Build the network of a file for mmpretrain, timm or torchvision, with its weights.

from rsp.checkpoints import load_backbone, to_timm, to_torchvision

backbone = load_backbone('GeRSP_epoch_200.pth')  # mmpretrain, any format
maps = backbone(images)
network = to_timm('CMID_Swin-B.pth')  # timm, without classifier
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mmengine.registry import MODELS, DefaultScope
from torch import nn

from rsp.checkpoints.adapt import set_input_bands
from rsp.checkpoints.checkpoint import Backbone, Checkpoint, take_backbone
from rsp.checkpoints.diff import load_state_dict_strict
from rsp.checkpoints.formats import without_heads
from rsp.checkpoints.reading.zoo import find_weights


def load_backbone(
    source: str | Path,
    format: str = 'auto',
    branch: str | None = None,
    image_size: int | None = None,
    trust: bool = False,
    **settings: Any,
) -> nn.Module:
    """Build the backbone in a file as mmpretrain's, and fill it.

    Args:
        source: A file of any format in `rsp.checkpoints.formats`, an address, or the
            name of a released one (`rsp.checkpoints.reading.zoo`) that lies in
            ``checkpoints/``.
        format: ``'auto'``, or the key of the format it has to be.
        branch: ``'student'`` or ``'teacher'``; None for the one its method hands on.
        image_size: Of your images, where a ViT's is not that of its training.
        trust: See `rsp.checkpoints.read`.
        settings: Of the backbone, e.g. ``out_indices=(0, 1, 2, 3)``.

    Returns:
        A backbone of a family in `rsp.checkpoints.families`, in evaluation mode, every
        tensor from the file.
    """
    checkpoint = Checkpoint.load(find_weights(source), trust=trust)
    backbone = checkpoint.backbone(branch, format).resize(image_size)
    return build_backbone(backbone, **settings)


def build_backbone(backbone: Backbone, **settings: Any) -> nn.Module:
    """Build the mm-network of a backbone and fill it wholly, or refuse."""
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        network = MODELS.build(backbone.config() | settings)
    load_state_dict_strict(network, backbone.for_model(network.state_dict()))
    return network


def to_timm(
    source: str | Path | nn.Module, branch: str | None = None, **settings: Any
) -> nn.Module:
    """Build a timm network, without classifier, with the weights of a backbone.

    Args:
        source: As for `load_backbone`, or an mmpretrain backbone.
        branch: ``'student'`` or ``'teacher'``.
        settings: Of the timm class, e.g. ``num_classes=10``.
    """
    return _build_foreign(source, branch, 'timm', settings)


def to_torchvision(
    source: str | Path | nn.Module, branch: str | None = None, **settings: Any
) -> nn.Module:
    """Build a torchvision network whose classifier is the identity; see `to_timm`."""
    return _build_foreign(source, branch, 'torchvision', settings)


def _build_foreign(
    source: str | Path | nn.Module, branch: str | None, library: str, settings: dict
) -> nn.Module:
    if not isinstance(source, nn.Module):
        backbone = Checkpoint.load(find_weights(source)).backbone(branch)
        return build_foreign(backbone, library, settings)
    backbone = take_backbone(source.state_dict(), branch)
    if backbone.family:
        built = backbone.family.settings_of(source)
        backbone = replace(backbone, trained=built)
    return build_foreign(backbone, library, settings)


def build_foreign(
    backbone: Backbone, library: str, settings: Mapping[str, Any]
) -> nn.Module:
    """Build the network of a backbone in timm or torchvision and fill it, or refuse."""
    tensors, config = backbone.for_library(library), backbone.config()
    network = getattr(backbone.family, f'{library}_network')(config, **settings)
    set_input_bands(network, config['in_channels'])
    own = network.state_dict()
    names = without_heads(own)
    classifier = {name: t for name, t in own.items() if name not in names}
    load_state_dict_strict(network, tensors | classifier)
    return network
