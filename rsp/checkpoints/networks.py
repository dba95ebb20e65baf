"""Backbones as modules: for mmpretrain, timm and torchvision, with weights in them.

from rsp.checkpoints import load_backbone, to_timm, to_torchvision

backbone = load_backbone('GeRSP_epoch_200.pth')  # mmpretrain, any layout
maps = backbone(images)
network = to_timm('CMID_Swin-B.pth')  # timm, without classifier
"""

from pathlib import Path
from typing import Any

from mmengine.registry import MODELS, DefaultScope
from torch import Tensor, nn

from rsp.checkpoints.architecture import network_config
from rsp.checkpoints.conversion import Backbone, fit_to_image, rename, take_backbone
from rsp.checkpoints.layout import state_dict_of
from rsp.checkpoints.reading import read
from rsp.checkpoints.zoo import find_weights
from rsp.errors import UserError


def load_backbone(
    source: str | Path,
    layout: str = 'auto',
    part: str | None = None,
    image_size: int | None = None,
    trust: bool = False,
    **settings: Any,
) -> nn.Module:
    """Build the backbone in a file as mmpretrain's, and fill it.

    Args:
        source: A file of any layout in `rsp.checkpoints.layouts`, an address, or the
            name of a released one (`rsp.checkpoints.zoo`) that lies in
            ``checkpoints/``.
        layout: ``'auto'``, or the key of the layout it has to be.
        part: ``'student'`` or ``'teacher'``; None for the one its method hands on.
        image_size: Of your images, where a ViT's is not that of its training.
        trust: See `rsp.checkpoints.read`.
        settings: Of the mmpretrain backbone, e.g. ``out_indices=(0, 1, 2, 3)``.

    Returns:
        A ResNet, VGG, SwinTransformer or VisionTransformer in evaluation mode, every
        tensor from the file.

    Raises:
        FileNotFoundError, ValueError: If the file is missing, unreadable, of an unknown
            layout or architecture, or does not fill the network.
    """
    backbone = open_backbone(source, layout, part, trust)
    if image_size is not None:
        backbone = fit_to_image(backbone, image_size)
    return build_filled(backbone, **settings)


def open_backbone(
    source: str | Path,
    layout: str = 'auto',
    part: str | None = None,
    trust: bool = False,
) -> Backbone:
    """Take the backbone out of a file; arguments as for `load_backbone`."""
    content = read(find_weights(source), trust=trust)
    return take_backbone(state_dict_of(content), part, layout)


def build_filled(backbone: Backbone, **settings: Any) -> nn.Module:
    """Build mmpretrain's network for a backbone and fill it wholly.

    Raises:
        ValueError: If a tensor is missing, unknown or of another shape.
    """
    config = network_config(backbone.tensors) | settings
    kind = config['type'] if '.' in config['type'] else f'mmpretrain.{config["type"]}'
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        network = MODELS.build(config | dict(type=kind))
    fill(network, backbone.tensors)
    return network


def fill(network: nn.Module, tensors: dict[str, Tensor]) -> None:
    """Give a network exactly these tensors, and switch it to evaluation.

    Normalisations that only a dense use has (Swin's ``norm0`` to ``norm2``) start
    fresh.

    Raises:
        ValueError: See `build_filled`; it names the first tensor that differs.
    """
    from rsp.checkpoints.pretrained import CONSTANTS, EXTRA_NORM

    wanted = network.state_dict()
    missing = [
        name
        for name in wanted
        if name not in tensors
        and not name.endswith(CONSTANTS)
        and not EXTRA_NORM.fullmatch(name)
    ]
    unexpected = [name for name in tensors if name not in wanted]
    for name in wanted:
        if name in tensors and tensors[name].shape != wanted[name].shape:
            raise UserError(
                f'expected {name} of shape {tuple(wanted[name].shape)} for '
                f'{type(network).__name__}, got {tuple(tensors[name].shape)}.'
            )
    if missing or unexpected:
        raise UserError(
            f'{type(network).__name__} is not filled: {len(missing)} tensors missing '
            f'{missing[:3]}, {len(unexpected)} unexpected {unexpected[:3]}.'
        )
    network.load_state_dict(tensors, strict=False)
    # mmpretrain's train() returns nothing.
    network.eval()


def to_timm(
    source: str | Path | nn.Module, part: str | None = None, **settings: Any
) -> nn.Module:
    """A timm network, without classifier, with the weights of a file or a backbone.

    Args:
        source: As for `load_backbone`, or an mmpretrain backbone.
        part: ``'student'`` or ``'teacher'``.
        settings: Of the timm class, e.g. ``num_classes=10``.

    Raises:
        FileNotFoundError, ValueError: See `load_backbone`.
        ImportError: If timm is not installed.
    """
    backbone = _backbone_of(source, part)
    network = timm_network(network_config(backbone.tensors), **settings)
    return _fill_foreign(network, rename(backbone, 'timm'))


def to_torchvision(
    source: str | Path | nn.Module, part: str | None = None, **settings: Any
) -> nn.Module:
    """A torchvision network whose classifier is the identity; else like `to_timm`."""
    backbone = _backbone_of(source, part)
    network = torchvision_network(network_config(backbone.tensors), **settings)
    return _fill_foreign(network, rename(backbone, 'torchvision'))


def _backbone_of(source: str | Path | nn.Module, part: str | None) -> Backbone:
    if isinstance(source, nn.Module):
        return take_backbone(source.state_dict(), part)
    return open_backbone(source, part=part)


def _fill_foreign(network: nn.Module, tensors: dict[str, Tensor]) -> nn.Module:
    classifier = ('fc.', 'head.', 'heads.', 'classifier.')
    own = {n for n in network.state_dict() if n.startswith(classifier)}
    kept = {n: t for n, t in network.state_dict().items() if n in own}
    fill(network, tensors | kept)
    return network


def timm_network(config: dict[str, Any], **settings: Any) -> nn.Module:
    """The timm class for an mmpretrain config, untrained."""
    from timm.models import resnet, swin_transformer, vision_transformer

    settings = dict(num_classes=0, in_chans=config['in_channels']) | settings
    if config['type'] == 'rsp.VGG':
        raise UserError('expected a ResNet, Swin or ViT for timm, got a VGG.')
    if config['type'] == 'ResNet':
        block, blocks = _resnet(config, resnet.BasicBlock, resnet.Bottleneck)
        return resnet.ResNet(block, blocks, **settings)
    arch = config['arch']
    sizes = dict(img_size=config['img_size'], patch_size=config['patch_size'])
    sizes |= dict(embed_dim=arch['embed_dims'], num_heads=arch['num_heads'])
    if config['type'] == 'SwinTransformer':
        return swin_transformer.SwinTransformer(
            **sizes,
            depths=arch['depths'],
            window_size=config['window_size'],
            **settings,
        )
    return vision_transformer.VisionTransformer(
        **sizes,
        depth=arch['num_layers'],
        mlp_ratio=arch['feedforward_channels'] / arch['embed_dims'],
        **settings,
    )


def torchvision_network(config: dict[str, Any], **settings: Any) -> nn.Module:
    """The torchvision class for an mmpretrain config, untrained, no classifier."""
    from torchvision.models import resnet, swin_transformer, vgg, vision_transformer

    if config['in_channels'] != 3:
        raise UserError(
            f'torchvision takes 3 channels, got {config["in_channels"]}; use timm.'
        )
    if config['type'] == 'ResNet':
        block, blocks = _resnet(config, resnet.BasicBlock, resnet.Bottleneck)
        network = resnet.ResNet(block, blocks, **settings)
        network.fc = nn.Identity()
        return network
    if config['type'] == 'rsp.VGG':
        suffix = '_bn' if config['norm_cfg'] else ''
        network = getattr(vgg, f'vgg{config["depth"]}{suffix}')(
            **dict(init_weights=False) | settings
        )
        network.classifier = nn.Identity()
        return network
    arch, patch = config['arch'], config['patch_size']
    if config['type'] == 'SwinTransformer':
        network = swin_transformer.SwinTransformer(
            [patch, patch], arch['embed_dims'], arch['depths'], arch['num_heads'],
            [config['window_size']] * 2, **settings,
        )  # fmt: skip
        network.head = nn.Identity()
        return network
    network = vision_transformer.VisionTransformer(
        config['img_size'], patch, arch['num_layers'], arch['num_heads'],
        arch['embed_dims'], arch['feedforward_channels'], **settings,
    )  # fmt: skip
    network.heads = nn.Identity()
    return network


def _resnet(config: dict[str, Any], basic: type, bottleneck: type) -> tuple:
    """Block class and blocks per stage of a ResNet of the usual width."""
    from rsp.checkpoints.architecture import RESNETS

    if (config['base_channels'], config['stem_channels']) != (64, 64):
        raise UserError(
            'expected a ResNet of 64 channels in stem and first stage, got '
            f'{config["stem_channels"]} and {config["base_channels"]}.'
        )
    [(blocks, deep)] = [k for k, depth in RESNETS.items() if depth == config['depth']]
    return (bottleneck if deep else basic), list(blocks)
