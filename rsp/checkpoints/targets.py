"""The networks that a file can be verified against, by name."""

from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.registry import MODELS, DefaultScope
from mmengine.utils import import_modules_from_strings
from torch import nn

from rsp.checkpoints.architecture import network_config
from rsp.checkpoints.conversion import Backbone
from rsp.checkpoints.naming import Naming
from rsp.errors import UserError
from rsp.io.configs import find_config


def build_target(name: str) -> nn.Module:
    """The untrained backbone that a name stands for; see `rsp.checkpoints.verify`."""
    library, colon, model = name.partition(':')
    if not colon or Path(name).suffix == '.py':
        return _backbone_of_config(Config.fromfile(find_config(name)))
    if library == 'torchvision':
        from torchvision.models import get_model

        return get_model(model, weights=None)
    if library == 'timm':
        from timm import create_model

        return create_model(model, pretrained=False, num_classes=0)
    if library == 'mmpretrain':
        from mmpretrain import get_model as get_mmpretrain

        return get_mmpretrain(model, pretrained=False).backbone
    raise UserError(
        'expected a config (.py), timm:<model>, torchvision:<model> or '
        f"mmpretrain:<config name>, got '{name}'."
    )


def _backbone_of_config(cfg: Config) -> nn.Module:
    if cfg.get('custom_imports'):
        import_modules_from_strings(**cfg.custom_imports)
    if 'backbone' not in cfg.get('model', {}):
        raise UserError(f"expected model.backbone in '{cfg.filename}'.")
    backbone = dict(cfg.model.backbone)
    backbone.pop('init_cfg', None)
    scope = cfg.get('default_scope', 'mmpretrain')
    with DefaultScope.overwrite_default_scope(scope):
        return MODELS.build(backbone)


def image_size(target: nn.Module, backbone: Backbone, naming: Naming) -> int:
    """Side of the images for the comparison: what the target was made for."""
    size: Any = None
    for owner in (target, getattr(target, 'patch_embed', None)):
        for word in ('img_size', 'image_size', 'init_input_size'):
            size = size or getattr(owner, word, None)
    if backbone.family == 'ViT' and size:
        return int(size[0] if isinstance(size, list | tuple) else size)
    if backbone.family in ('ResNet', 'VGG'):
        return 64
    size = int(network_config(backbone.tensors)['img_size'])
    # Where a map of a Swin is exactly one window, some mm-libraries shift it and the
    # others do not; a little more than one window is the same for all.
    return size + 32 if naming.library == 'mm' else size
