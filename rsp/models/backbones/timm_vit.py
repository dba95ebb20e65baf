"""Use timm's plain vision transformers, such as DINOv2 and DINOv3, as backbones."""

from collections.abc import Iterator, Sequence
from math import isqrt
from typing import Any

from mmengine.model import BaseModule
from torch import Tensor, nn

from rsp.errors import UserError
from rsp.ops import check
from rsp.registry import MODELS


@MODELS.register_module()
class TIMMVisionTransformer(BaseModule):
    """Return feature maps of several blocks of one of timm's plain ViTs.

    For DINOv2 (https://arxiv.org/abs/2304.07193) with and without registers
    (https://arxiv.org/abs/2309.16588), DINOv3 (https://arxiv.org/abs/2508.10104), and
    the other plain ViTs of timm that take images of any size. Sides that the patch does
    not divide are padded with zeros at the bottom and right; position embeddings are
    interpolated to the size of each batch. The maps cover the padding, too: let the
    model's ``data_preprocessor`` pad to multiples of the patch where a head stretches
    them over the image, as mmseg's do.

    mmpretrain's TIMMBackbone is not enough for that: it returns the tokens (N, L, C) of
    the last block, of images of one size. With timm's ``features_only`` it returns
    maps, but drops the final norm and the blocks behind the last output, so that files
    do not load whole. It freezes nothing, and its names begin with ``timm_model.``.

    Nothing is downloaded. Tensors bear exactly timm's names, without a prefix
    (``blocks.0.attn.qkv.weight``), and all blocks are kept, so a file of timm loads by
    ``init_cfg=dict(type='Pretrained', checkpoint=FILE)`` and the backbone of a whole
    mm-model by ``prefix='backbone.'`` on top. Blocks behind the last of ``out_indices``
    are neither computed nor trained.

    Args:
        model_name: timm's, e.g. ``'vit_base_patch14_reg4_dinov2'``,
            ``'vit_base_patch16_dinov3'``; a tag such as ``.lvd142m`` chooses the size.
        in_channels: Bands of the images.
        img_size: Pixels, one side or (H, W), of the images that the position embeddings
            are made for; None for timm's (DINOv2: 518). Those of a file for another
            size are fitted while it loads.
        out_indices: Blocks to return, ascending from 0, or from -1 backwards.
        out_type: ``'featmap'``, or ``'cls_token'`` for one vector per image.
        norm: Apply the final norm to every output.
        frozen_stages: Number of blocks that are not trained, from the first; 0 freezes
            the embedding alone, -1 nothing. All blocks include the final norm.
        drop_path_rate: Share of dropped residuals, rising linearly up to the last
            block.
        with_cp: Save memory by computing the blocks a second time going backward.
        init_cfg: mmengine's.
        timm_kwargs: Further arguments of ``timm.create_model``.

    Returns:
        One tensor per output: (N, C, h, w) with h = ceil(H / patch), or (N, C).

    Raises:
        UserError: If timm is absent, or the model is none of its plain ViTs.
    """

    def __init__(
        self,
        model_name: str,
        in_channels: int = 3,
        img_size: int | tuple[int, int] | None = None,
        out_indices: Sequence[int] = (-1,),
        out_type: str = 'featmap',
        norm: bool = True,
        frozen_stages: int = -1,
        drop_path_rate: float = 0.0,
        with_cp: bool = False,
        init_cfg: dict | list[dict] | None = None,
        **timm_kwargs: Any,
    ) -> None:
        super().__init__(init_cfg)
        check.one_of('out_type', out_type, ('featmap', 'cls_token'))
        if img_size is not None:
            timm_kwargs['img_size'] = img_size
        vit = create_plain_vit(
            model_name,
            in_chans=in_channels,
            drop_path_rate=drop_path_rate,
            **timm_kwargs,
        )
        vit.set_grad_checkpointing(with_cp)
        self._adopt(vit)
        depth = len(vit.blocks)
        check.between('frozen_stages', frozen_stages, -1, depth)
        if out_type == 'cls_token' and vit.cls_token is None:
            raise UserError(
                f"expected out_type='featmap' for {model_name}, which has no class "
                "token, got 'cls_token'."
            )
        self.out_indices = resolve_indices(out_indices, depth)
        self.out_type = out_type
        self.norm_outputs = norm
        self.frozen_stages = frozen_stages
        self.embed_dims = vit.embed_dim
        for parameter in self._untrained_parameters():
            parameter.requires_grad = False

    def _adopt(self, vit: Any) -> None:
        """Share timm's dictionaries, so that its names need no prefix."""
        # Beside the submodules: as one of them its names would begin with `vit.`.
        self.__dict__['vit'] = vit
        for name in (
            '_parameters',
            '_buffers',
            '_non_persistent_buffers_set',
            '_modules',
        ):
            setattr(self, name, getattr(vit, name))

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Return the configured outputs.

        Args:
            x: Images, shape (N, C, H, W), normalized.
        """
        outs = self.vit.forward_intermediates(
            x,
            indices=list(self.out_indices),
            return_prefix_tokens=self.out_type == 'cls_token',
            norm=self.norm_outputs,
            stop_early=True,
            intermediates_only=True,
        )
        if self.out_type == 'cls_token':
            return tuple(prefix[:, 0] for _, prefix in outs)
        return tuple(outs)

    def _load_from_state_dict(
        self, state_dict: dict[str, Tensor], prefix: str, *args: Any
    ) -> None:
        """Load, and fit position embeddings of a square image to this model's size."""
        found, own = state_dict.get(f'{prefix}pos_embed'), self.vit.pos_embed
        if found is not None and own is not None and found.shape[1] != own.shape[1]:
            from timm.layers import resample_abs_pos_embed

            tokens = 0 if self.vit.no_embed_class else self.vit.num_prefix_tokens
            if isqrt(found.shape[1] - tokens) ** 2 == found.shape[1] - tokens:
                state_dict[f'{prefix}pos_embed'] = resample_abs_pos_embed(
                    found,
                    new_size=self.vit.patch_embed.grid_size,
                    num_prefix_tokens=tokens,
                )
        super()._load_from_state_dict(state_dict, prefix, *args)

    def train(self, mode: bool = True) -> 'TIMMVisionTransformer':
        """Set the mode, but leave frozen modules in evaluation."""
        super().train(mode)
        self.vit.training = mode
        for module in self._frozen_modules():
            module.eval()
        return self

    def get_layer_depth(self, param_name: str, prefix: str = '') -> tuple[int, int]:
        """Return a parameter's layer, for learning rates that decay layer by layer.

        Args:
            param_name: Name in the whole model.
            prefix: Of this backbone in it.

        Returns:
            0 for the embedding, i + 1 for block i, the largest for the rest; and the
            number of layers.
        """
        layers = len(self.vit.blocks) + 2
        place, _, rest = param_name.removeprefix(prefix).partition('.')
        if not param_name.startswith(prefix) or place == 'norm':
            return layers - 1, layers
        return (int(rest.split('.')[0]) + 1 if place == 'blocks' else 0), layers

    def _frozen_modules(self) -> Iterator[nn.Module]:
        if self.frozen_stages < 0:
            return
        for name, module in self.named_children():
            if name not in ('blocks', 'norm'):
                yield module
        yield from self.vit.blocks[: self.frozen_stages]
        if self.frozen_stages == len(self.vit.blocks):
            yield self.vit.norm

    def _untrained_parameters(self) -> Iterator[nn.Parameter]:
        """Iterate over what is frozen and what no output depends on."""
        if self.frozen_stages >= 0:
            yield from self.parameters(recurse=False)
        unread = list(self.vit.blocks[self.out_indices[-1] + 1 :])
        unread += [] if self.norm_outputs else [self.vit.norm]
        for module in (*self._frozen_modules(), *unread):
            yield from module.parameters()


def create_plain_vit(model_name: str, **timm_kwargs: Any) -> Any:
    """Create one of timm's ViTs with random weights, without a head, for any size.

    Args:
        model_name: timm's.
        timm_kwargs: Of ``timm.create_model``.

    Raises:
        UserError: If timm is absent, knows no such model, or it is no plain ViT.
    """
    try:
        import timm
    except ModuleNotFoundError as error:
        raise UserError(
            f'expected timm for the backbone {model_name}: pip install '
            "'rsp-pretrain[convert]'."
        ) from error
    if not timm.is_model(model_name):
        raise UserError(
            f'expected the name of a model in timm {timm.__version__}, such as '
            f"'vit_base_patch16_dinov3', got {model_name!r}."
        )
    try:
        vit = timm.create_model(
            model_name,
            pretrained=False,
            num_classes=0,
            global_pool='',
            dynamic_img_size=True,
            dynamic_img_pad=True,
            **timm_kwargs,
        )
    except TypeError as error:
        raise UserError(
            f'expected a plain ViT of timm and arguments that it takes, got '
            f'{model_name!r}: {error}.'
        ) from error
    if not hasattr(vit, 'blocks') or not hasattr(vit, 'forward_intermediates'):
        raise UserError(
            f'expected a plain ViT of timm, with blocks, got {model_name!r}, a '
            f'{type(vit).__name__}.'
        )
    return vit


def resolve_indices(indices: Sequence[int], depth: int) -> tuple[int, ...]:
    """Count indices of blocks from the first one.

    Args:
        indices: From 0, or from -1 backwards.
        depth: Number of blocks.

    Raises:
        UserError: If one is outside, or they do not ascend.
    """
    found = tuple(i + depth if i < 0 else i for i in indices)
    # timm returns the blocks in their own order, and each of them once.
    if not found or found != tuple(sorted(set(found).intersection(range(depth)))):
        raise UserError(
            f'expected ascending out_indices of {depth} blocks, {-depth} to '
            f'{depth - 1}, got {tuple(indices)}.'
        )
    return found
