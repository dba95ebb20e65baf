"""Extend mmpretrain: mask tokens, a VGG of any number of bands, timm's plain ViTs."""

from rsp.models.backbones.masked_resnet import MaskedResNet
from rsp.models.backbones.masked_swin import MaskedSwinTransformer
from rsp.models.backbones.masked_vit import MaskedVisionTransformer
from rsp.models.backbones.timm_vit import TIMMVisionTransformer
from rsp.models.backbones.vgg import VGG

__all__ = [
    'VGG',
    'MaskedResNet',
    'MaskedSwinTransformer',
    'MaskedVisionTransformer',
    'TIMMVisionTransformer',
]
