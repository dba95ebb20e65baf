"""Describe plain vision transformers."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from rsp.checkpoints.adapt import resize_pos_embed
from rsp.checkpoints.families.family import (
    Family,
    KeyMapping,
    Rule,
    State,
    count_blocks,
    dashed,
    heads_of,
    image_size_of,
)
from rsp.errors import UserError

PLACES = ('ln1', 'attn.qkv', 'attn.proj', 'ln2', 'ffn.layers.0.0', 'ffn.layers.1')
TORCHVISION_BLOCK = 'encoder.layers.encoder_layer_{b}'


def _rules(embedding: str, block: str, words: Sequence[str]) -> tuple[Rule, ...]:
    """Return the rules of a transformer whose blocks have six places."""
    pairs = zip(words, PLACES, strict=True)
    return (
        Rule(embedding, 'patch_embed.projection'),
        *(Rule(f'{block}.{a}', f'layers.{{b}}.{b}') for a, b in pairs),
    )


def _torch_attention(place: str) -> tuple[Rule, ...]:
    return tuple(
        Rule(f'{place}.in_proj_{kind}', f'layers.{{b}}.attn.qkv.{kind}')
        for kind in ('weight', 'bias')
    )


# Of the sizes whose heads have not 64 channels: ViT-H, g and G (timm, MAE).
HEADS = {1280: 16, 1408: 16, 1664: 16}


# Of the architectures that mmpretrain knows by name, a list that would take seconds to
# import; a test compares them.
HEADS_BY_NAME = {
    name: heads
    for heads, names in {
        3: 'deit-t deit-tiny',
        6: 'deit-s deit-small dinov2-s dinov2-small',
        8: 's small',
        12: 'b base deit-b deit-base mocov3-s mocov3-small',
        16: 'l large h huge eva-g eva-giant',
        24: 'dinov2-g dinov2-giant',
    }.items()
    for name in names.split()
}


def _of_one_frame(state: State) -> dict[str, Tensor]:
    """Reduce Prithvi, which takes several images of a place, to what it is for one.

    Its kernels go over frames of one image each, and its fixed positions are those of
    width and height, then, in the last quarter of the channels, those of time: the
    first frame's are what the network itself computes for a single image.
    """
    name = 'patch_embed.projection.weight'
    kernel, positions = state.get(name), state.get('pos_embed')
    if kernel is None or positions is None or kernel.ndim != 5:
        return dict(state)
    time = positions[0, 1:, -(positions.shape[-1] // 16 * 4) :]
    per_frame = int((time == time[0]).all(1).int().cumprod(0).sum())
    if kernel.shape[2] != 1 or math.isqrt(per_frame) ** 2 != per_frame:
        # Back to a name that is unknown here: it is refused.
        others = {key: tensor for key, tensor in state.items() if key != name}
        return others | {'patch_embed.proj.weight': kernel}
    one = positions[:, : 1 + per_frame]
    return dict(state, pos_embed=one) | {name: kernel[:, :, 0]}


class ViT(Family):
    """Describe vision transformers with learned positions, without layer scale."""

    name = 'ViT'
    mappings = (
        KeyMapping(('mm',), r'layers\.\d+\.attn\.qkv\.'),
        KeyMapping(
            ('mmseg',),
            r'layers\.\d+\.attn\.attn\.in_proj_',
            (
                *_torch_attention('layers.{b}.attn.attn'),
                Rule('layers.{b}.attn.attn.out_proj', 'layers.{b}.attn.proj'),
            ),
        ),
        KeyMapping(
            ('torchvision',),
            r'encoder\.layers\.encoder_layer_\d+\.',
            (
                Rule('class_token', 'cls_token'),
                Rule('encoder.pos_embedding', 'pos_embed'),
                Rule('encoder.ln', 'ln1'),
                *_torch_attention(f'{TORCHVISION_BLOCK}.self_attention'),
                *_rules(
                    'conv_proj',
                    TORCHVISION_BLOCK,
                    ('ln_1', 'self_attention.in_proj', 'self_attention.out_proj',
                     'ln_2', 'mlp.0', 'mlp.3'),
                ),
            ),
        ),
        KeyMapping(
            ('timm',),
            r'blocks\.\d+\.attn\.qkv\.',
            (
                Rule('norm', 'ln1'),
                Rule('fc_norm', 'ln2'),
                *_rules(
                    'patch_embed.proj',
                    'blocks.{b}',
                    ('norm1', 'attn.qkv', 'attn.proj', 'norm2', 'mlp.fc1', 'mlp.fc2'),
                ),
            ),
            lambda state: _of_one_frame(state),
        ),
    )  # fmt: skip
    keys = (
        r'cls_token|pos_embed|(patch_embed\.projection|ln[12]|layers\.\d+\.(ln1|ln2'
        r'|attn\.qkv|attn\.proj|ffn\.layers\.0\.0|ffn\.layers\.1))\.(weight|bias)'
    )
    norms = (r'(layers\.\d+)\.ln1\.weight', 'ln1.weight')

    settings = dict(num_heads=None, patch_stride=None)
    portable = binding = ('num_heads',)

    def describe(self, state: State) -> str:
        blocks = count_blocks(state, r'(layers)\.(\d+)\.attn\.')
        return f'ViT with {dashed(blocks)} blocks'

    def standard(self, state: State) -> dict[str, Any]:
        """Return the heads of published networks: mostly of 64 channels each.

        MoCo v3 and mmpretrain's arch 'small' have others for the same shapes.
        """
        width, _, _, patch = state['patch_embed.projection.weight'].shape
        heads = HEADS.get(width) or (None if width % 64 else width // 64)
        return dict(num_heads=heads, patch_stride=patch)

    def known(self, config: Mapping[str, Any]) -> dict[str, Any]:
        arch = config.get('arch')
        if isinstance(arch, str):
            arch = dict(num_heads=HEADS_BY_NAME.get(arch.lower()))
        given = dict(config, **(arch or {}))
        found = {key: given[key] for key in self.settings if given.get(key)}
        # What the config of a named architecture leaves out is mmpretrain's 16.
        named = isinstance(config.get('arch'), str)
        stride = (config.get('patch_cfg') or {}).get('stride')
        stride = stride or config.get('patch_size', 16 if named else None)
        return found | (dict(patch_stride=stride) if stride else {})

    def settings_of(self, network: nn.Module) -> dict[str, Any]:
        return heads_of(network)

    def config(
        self, state: State, settings: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        settings = self.standard(state) | dict(settings or {})
        if 'pos_embed' not in state:
            raise UserError('expected a ViT with learned positions (pos_embed).')
        width, channels, _, patch = state['patch_embed.projection.weight'].shape
        heads = settings['num_heads']
        if not heads or width % heads:
            raise UserError(
                f'expected a ViT that tells its number of heads, or with heads of 64 '
                f'channels, got {width} channels{f" in {heads} heads" if heads else ""}'
                '; give a file with its config or card.'
            )
        if settings['patch_stride'] != patch:
            raise UserError(
                f'expected patches side by side, got patches of {patch} pixels every '
                f'{settings["patch_stride"]}; load it under its own config.'
            )
        token = 'cls_token' in state
        # Of a fine-tuned MAE: a normalization of the mean in place of the tokens'.
        pooled = 'ln2.weight' in state
        return dict(
            type='mmpretrain.VisionTransformer',
            arch=dict(
                embed_dims=width,
                num_layers=count_blocks(state, r'(layers)\.(\d+)\.attn\.')[0],
                num_heads=heads,
                feedforward_channels=len(state['layers.0.ffn.layers.0.0.weight']),
            ),
            img_size=patch * math.isqrt(state['pos_embed'].shape[1] - token),
            patch_size=patch,
            in_channels=channels,
            with_cls_token=token,
            qkv_bias='layers.0.attn.qkv.bias' in state,
            out_type='avg_featmap' if pooled else 'raw',
            final_norm='ln1.weight' in state,
        )

    def timm_model(self, config: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        arch = config['arch']
        pooled = config['out_type'] == 'avg_featmap'
        mean = dict(global_pool='avg', fc_norm=pooled)
        return 'vit_base_patch16_224', dict(
            **(mean if pooled or not config['with_cls_token'] else {}),
            class_token=config['with_cls_token'],
            qkv_bias=config['qkv_bias'],
            img_size=config['img_size'],
            patch_size=config['patch_size'],
            in_chans=config['in_channels'],
            embed_dim=arch['embed_dims'],
            depth=arch['num_layers'],
            num_heads=arch['num_heads'],
            mlp_ratio=arch['feedforward_channels'] / arch['embed_dims'],
        )

    def torchvision_network(
        self, config: Mapping[str, Any], **settings: Any
    ) -> nn.Module:
        from torchvision.models.vision_transformer import VisionTransformer

        arch = config['arch']
        network = VisionTransformer(
            config['img_size'],
            config['patch_size'],
            arch['num_layers'],
            arch['num_heads'],
            arch['embed_dims'],
            arch['feedforward_channels'],
            **settings,
        )
        network.heads = nn.Identity()
        return network

    def resize(self, state: State, size: int) -> dict[str, Tensor]:
        if 'pos_embed' not in state:
            return dict(state)
        patch = state['patch_embed.projection.weight'].shape[-1]
        tokens = int('cls_token' in state)
        resized = resize_pos_embed(state['pos_embed'], size // patch, tokens)
        return dict(state, pos_embed=resized)

    def test_size(self, state: State, network: nn.Module, mapping: KeyMapping) -> int:
        return image_size_of(network) or int(self.config(state)['img_size'])
