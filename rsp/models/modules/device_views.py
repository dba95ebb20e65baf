"""Make the views of a batch on the device that trains on them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmpretrain.structures import DataSample
from numpy.typing import NDArray
from torch import Tensor

from rsp.errors import UserError
from rsp.models.modules.band_preprocessor import BandDataPreprocessor
from rsp.models.modules.patch_masks import PatchMasks
from rsp.ops import check
from rsp.ops.views.kernels.cut_views import cut_views
from rsp.ops.views.kernels.frames import boxes_in_frames, whole_frames
from rsp.ops.views.kernels.value_range import standardize, to_shares
from rsp.ops.views.parse import parse_view
from rsp.ops.views.recipe import counts_of
from rsp.registry import MODELS

Array = NDArray[Any]
LAYOUTS = dict(contiguous=torch.contiguous_format, channels_last=torch.channels_last)


@MODELS.register_module()
class DeviceViews(BandDataPreprocessor):
    """Cut, color and normalize the views of a batch that holds one image per item.

    The loader decodes and sends bytes: ``rsp.LoadForDevice``, or any pipeline that ends
    in ``rsp.PackForDevice``. All random numbers follow from the items' seeds, which
    are in the batch: a step that is resumed or replayed sees the same views, and they
    are those of ``rsp.LoadViews`` but for rounding. They are drawn on the host, for the
    whole batch at once; nothing waits for the device.

    A batch without frames, such as one of a probe, is normalized and no more.

    Args:
        transforms: Pipeline of each kind of view, in mmpretrain's words, as in
            ``rsp.LoadViews``.
        num_views: Views of each kind. One in all makes ``inputs`` a tensor.
        mean: Per band, in units of the images.
        std: Per band, in units of the images.
        resize_first: Edge that whole images are squeezed to before views are drawn and
            cut, by an antialiased cubic, as ``rsp.MaskedTwoCrop`` does; None cuts them
            from all pixels. For ``LoadImageFromFile``, not ``rsp.LoadForDevice``.
        masked: ``mask_patch_size``, ``mask_ratio`` and ``stride`` of
            ``rsp.MaskedTwoCrop``: adds ``masks`` and ``positions`` to the samples.
        precision: Of the arithmetic between bytes and normalization: ``'float32'``,
            ``'float16'``, wrong by 1 of 255 levels as a rule, or ``'bfloat16'``, by 5;
            None takes float16 for bytes on a GPU, else float32. Views are float32.
        memory_format: Of the views: ``'contiguous'`` or ``'channels_last'``.
        kwargs: ``to_rgb`` and other arguments of mmpretrain's.

    Batch:
        ``inputs``: (N, B, h, w), uint8, or floats whose samples have a
        ``value_range``; padded on the right and below. ``data_samples``: one
        DataSample (``rsp.stacked_collate``) with ``frame`` (N, 8), see
        `rsp.ops.views.kernels.frames.Frame`.

    Returns:
        ``inputs``: a view (N, B, H, W), or the list of all; ``data_samples``.
    """

    def __init__(
        self,
        transforms: Sequence[Sequence[dict[str, Any]]],
        num_views: int | Sequence[int] = 2,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        resize_first: int | None = None,
        masked: dict[str, Any] | None = None,
        precision: str | None = None,
        memory_format: str = 'contiguous',
        **kwargs: Any,
    ) -> None:
        super().__init__(mean, std, **kwargs)
        counts = counts_of(num_views, transforms)
        types = (None, 'float32', 'float16', 'bfloat16')
        check.one_of("'precision' of rsp.DeviceViews", precision, types)
        check.one_of("'memory_format' of rsp.DeviceViews", memory_format, LAYOUTS)
        bands = len(mean) if mean is not None and len(mean) > 1 else 3
        self.kinds = [parse_view(steps, bands) for steps in transforms]
        self.views = np.repeat(np.arange(len(counts)), counts)
        recipes = [self.kinds[kind].recipe for kind in self.views]
        self.masked = None if masked is None else PatchMasks(recipes, **masked)
        self.squeezed = None if resize_first is None else (resize_first, resize_first)
        self.precision, self.layout = precision, LAYOUTS[memory_format]

    def forward(self, data: dict[str, Any], training: bool = False) -> dict[str, Any]:
        """Make the views of a batch.

        Raises:
            UserError: If a training batch has no frames, boxes are not in them, or the
                range of floats is not known.
        """
        samples: Any = data['data_samples']
        if not isinstance(samples, DataSample) or 'frame' not in samples:
            if training:
                raise UserError(
                    "expected 'frame' with images for rsp.DeviceViews, got none; end "
                    "the pipeline with dict(type='rsp.PackForDevice'), and set "
                    "collate_fn=dict(type='rsp.stacked_collate') in the loader."
                )
            return super().forward(data, training)
        self._check_bands(data['inputs'].shape[1])
        frames = samples.frame.numpy()
        draws = self._draw(frames, samples.get('view_boxes'))
        if self.masked is not None:
            # Not in the batch itself, which may be kept to be replayed.
            samples = samples.new()
            masks, positions = self.masked(frames[:, 0], [rows for rows, _ in draws])
            samples.set_field(masks, 'masks')
            samples.set_field(positions, 'positions')
        images, samples = self.cast_data((data['inputs'], samples))
        # Not in the precision of the step, if that is mixed.
        with torch.autocast(self.device.type, enabled=False):
            views = self._make(images, samples.get('value_range'), frames, draws)
        return dict(inputs=views if len(views) > 1 else views[0], data_samples=samples)

    def _draw(self, frames: Array, given: Any) -> list[tuple[Array, Array]]:
        """Draw geometry and colors of all views, boxes in pixels of whole images."""
        draws = []
        sizes = frames[:, 1:3]
        if self.squeezed is not None:
            sizes = np.broadcast_to(self.squeezed, sizes.shape)
        for number, kind in enumerate(self.views):
            recipe, box = self.kinds[kind].recipe, self.kinds[kind].box
            drawn = recipe.draw(frames[:, 0], sizes, view=number)
            if box is not None:
                if given is None:
                    raise UserError(
                        "rsp.CropToBox expects 'view_boxes', got none; set 'boxes' of "
                        'rsp.LoadForDevice.'
                    )
                drawn.geometry[:, :4] = given[:, box].numpy()
            draws.append((drawn.geometry, drawn.colors))
        return draws

    def _make(
        self,
        images: Tensor,
        limits: Tensor | None,
        frames: Array,
        draws: list[tuple[Array, Array]],
    ) -> list[Tensor]:
        in_bytes = images.dtype == torch.uint8
        if not in_bytes and limits is None:
            self._refuse_unknown_range(images)
        dtype = self._dtype(images)
        images, low, span = to_shares(images, limits)
        if self.squeezed is not None:
            whole = self._to_device(whole_frames(frames))
            images = cut_views(images, whole, self.squeezed, cubic=True, dtype=dtype)
        views: dict[int, Tensor] = {}
        for number, kind in enumerate(self.kinds):
            # All views of a kind are one batch, for half the launches.
            same = np.flatnonzero(self.views == number).tolist()
            parameters = self._sent([draws[n] for n in same], frames)
            batch = kind.recipe.cut_batch(
                images.repeat(len(same), 1, 1, 1) if same[1:] else images,
                parameters[:, :7],
                dtype,
            )
            batch = kind.recipe.change_batch(batch, parameters[:, 7:], in_bytes)
            batch = standardize(batch, low, span, *self._statistics(), self.layout)
            views |= zip(same, batch.chunk(len(same)), strict=True)
        return [views[number] for number in range(len(self.views))]

    def _sent(self, draws: list[tuple[Array, Array]], frames: Array) -> Tensor:
        """Return geometry, boxes in pixels that were sent, and colors on the device."""
        parts = []
        for geometry, colors in draws:
            boxes = geometry[:, :4]
            if self.squeezed is None:
                boxes = boxes_in_frames(boxes, frames)
            parts.append(np.concatenate([boxes, geometry[:, 4:], colors], axis=1))
        return self._to_device(np.concatenate(parts))

    def _to_device(self, rows: Array) -> Tensor:
        parameters = torch.from_numpy(rows)
        if self.device.type == 'cuda':
            # The host would wait for a copy of other memory.
            parameters = parameters.pin_memory()
        return parameters.to(self.device, non_blocking=True)

    def _statistics(self) -> tuple[Tensor | None, Tensor | None, bool]:
        is_used = self._enable_normalize
        mean, std = (self.mean, self.std) if is_used else (None, None)
        return mean, std, self._channel_conversion

    def _dtype(self, images: Tensor) -> torch.dtype:
        if self.precision is not None:
            return getattr(torch, self.precision)
        fast = images.is_cuda and images.dtype == torch.uint8
        return torch.float16 if fast else torch.float32

    def _refuse_unknown_range(self, images: Tensor) -> None:
        if any(kind.recipe.operations for kind in self.kinds):
            raise UserError(
                'rsp.DeviceViews expects to know which values are black and white, got '
                f'none for {images.shape[1]} bands of {images.dtype}; set '
                "'value_range' in 'reflectance' of the data set, e.g. (0, 1), or put "
                'rsp.SetValueRange before rsp.PackForDevice.'
            )
