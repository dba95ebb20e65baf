"""What mmpretrain lacks: hidden cells, and a VGG of any number of bands."""

from .masked_resnet import MaskedResNet
from .masked_swin import MaskedSwinTransformer
from .masked_vit import MaskedVisionTransformer
from .vgg import VGG

__all__ = ['VGG', 'MaskedResNet', 'MaskedSwinTransformer', 'MaskedVisionTransformer']
