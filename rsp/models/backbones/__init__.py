"""What mmpretrain lacks: hidden cells, and a VGG of any number of bands."""

from rsp.models.backbones.masked_resnet import MaskedResNet
from rsp.models.backbones.masked_swin import MaskedSwinTransformer
from rsp.models.backbones.masked_vit import MaskedVisionTransformer
from rsp.models.backbones.vgg import VGG

__all__ = ['VGG', 'MaskedResNet', 'MaskedSwinTransformer', 'MaskedVisionTransformer']
