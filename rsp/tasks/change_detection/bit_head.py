"""Decode two dates by the bitemporal image transformer."""

from typing import Any

import torch
import torch.nn.functional as F
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from torch import Tensor, nn

from rsp.ops import check
from rsp.registry import MODELS
from rsp.tasks.change_detection.bit_transformer import AttentionLayer, SemanticTokens

# mmseg's default would divide by the ignored pixels, too, and warns of it.
CROSS_ENTROPY = dict(type='CrossEntropyLoss', avg_non_ignore=True)


@MODELS.register_module()
class BITHead(BaseDecodeHead):
    """Compare two dates by attention to a few tokens of each.

    Both maps are enlarged twice and reduced to C channels; each image becomes L tokens;
    an encoder relates the 2 L tokens of both dates, with learned positions; a decoder
    lets every pixel of a date attend to its tokens; a small network classifies the
    absolute difference at the size of the image.

    Bitemporal image transformer: Chen, Qi and Shi, TGRS 2021,
    https://arxiv.org/abs/2103.00208. The defaults are those of CMID's evaluation
    (https://arxiv.org/abs/2304.09670), which reads the third stage of its backbones at
    stride 16, where the authors of BIT dilate a ResNet-18 to stride 8. As there, layers
    start with PyTorch's defaults and positions normal with deviation 1.

    Swapping the dates leaves the logits as they are if both halves of ``positions``
    agree: nothing else tells the dates apart.

    Args:
        in_channels: Channels of the map that ``in_index`` names.
        channels: C.
        tokens: L, per image.
        encoder_depth: Layers that relate the tokens.
        decoder_depth: Layers in which pixels attend to the tokens.
        heads: Heads of attention.
        head_channels: Channels of each.
        hidden: Width of the perceptrons.
        kwargs: Those of mmseg's BaseDecodeHead.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int = 32,
        tokens: int = 4,
        encoder_depth: int = 1,
        decoder_depth: int = 8,
        heads: int = 8,
        head_channels: int = 64,
        hidden: int = 64,
        num_classes: int = 2,
        align_corners: bool = True,
        **kwargs: Any,
    ) -> None:
        for name, number, least in (
            ('tokens', tokens, 1),
            ('encoder_depth', encoder_depth, 0),
            ('decoder_depth', decoder_depth, 0),
            ('heads', heads, 1),
            ('head_channels', head_channels, 1),
        ):
            check.at_least(f"'{name}' of rsp.BITHead", number, least)
        # out_channels is given because mmseg advises against two outputs otherwise.
        super().__init__(
            in_channels,
            channels,
            num_classes=num_classes,
            out_channels=num_classes,
            dropout_ratio=0,
            align_corners=align_corners,
            **dict(init_cfg=None, loss_decode=CROSS_ENTROPY) | kwargs,
        )
        layer = (channels, heads, head_channels, hidden)
        self.reduce = nn.Conv2d(in_channels, channels, 3, padding=1)
        self.tokenise = SemanticTokens(channels, tokens)
        self.positions = nn.Parameter(torch.randn(1, 2 * tokens, channels))
        self.encoder = nn.ModuleList(
            AttentionLayer(*layer) for _ in range(encoder_depth)
        )
        self.decoder = nn.ModuleList(
            AttentionLayer(*layer) for _ in range(decoder_depth)
        )
        self.smooth = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
        )
        # In the place of mmseg's 1x1 convolution.
        self.conv_seg = nn.Conv2d(channels, num_classes, 3, padding=1)

    def forward(self, feats: tuple[tuple[Tensor, ...], tuple[Tensor, ...]]) -> Tensor:
        """Return logits at 16 times the size of the maps: (N, 2, H, W).

        Args:
            feats: Maps of the earlier and of the later date; of each, the one of
                ``in_index`` is read, (N, c, h, w).
        """
        first, second = (self._reduce(self._transform_inputs(maps)) for maps in feats)

        tokens = torch.cat([self.tokenise(first), self.tokenise(second)], dim=1)
        tokens = tokens + self.positions  # (N, 2 L, C)
        for layer in self.encoder:
            tokens = layer(tokens, tokens)
        first_tokens, second_tokens = tokens.chunk(2, dim=1)

        first = self._attend(first, first_tokens)
        second = self._attend(second, second_tokens)
        return self._classify(torch.abs(first - second))

    def _reduce(self, maps: Tensor) -> Tensor:
        """Reduce and enlarge maps: (N, c, h, w) -> (N, C, 2 h, 2 w)."""
        return self.reduce(F.interpolate(maps, scale_factor=2, mode='nearest'))

    def _attend(self, maps: Tensor, tokens: Tensor) -> Tensor:
        """Attend from every pixel of a date to the tokens of that date."""
        pixels = maps.flatten(2).transpose(1, 2)  # (N, h w, C)
        for layer in self.decoder:
            pixels = layer(pixels, tokens)
        return pixels.transpose(1, 2).unflatten(2, maps.shape[2:])

    def _classify(self, difference: Tensor) -> Tensor:
        difference = F.interpolate(difference, scale_factor=2, mode='nearest')
        difference = F.interpolate(
            difference,
            scale_factor=4,
            mode='bilinear',
            align_corners=self.align_corners,
        )
        return self.cls_seg(self.smooth(difference))
