"""What mmpretrain lacks: backbones that see which cells are hidden."""

from .masked_resnet import MaskedResNet
from .masked_swin import MaskedSwinTransformer
from .masked_vit import MaskedVisionTransformer

__all__ = ['MaskedResNet', 'MaskedSwinTransformer', 'MaskedVisionTransformer']
