"""Draw the masked patches that a model reconstructs."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmengine.dist import master_only
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor

from rsp.engine.distributed import unwrap_model
from rsp.ops import check
from rsp.ops.reconstruction import relative_error
from rsp.registry import HOOKS


@HOOKS.register_module()
class ReconstructionHook(Hook):
    """Write clean, masked and reconstructed images to every visualization backend.

    One picture: three rows (clean, masked, masked patches reconstructed), a column per
    image. With the default backends it appears in TensorBoard and below
    ``vis_data/vis_image`` of the work dir. Statistics of the preprocessor turn images
    of three bands of 8 bits back into their pixels; of others three bands are drawn,
    each between the 2nd and 98th percentile of the clean images. Beside it, over the
    whole batch, the scalar ``relative_error``
    (:func:`rsp.ops.reconstruction.relative_error`): below 1 the model knows more of
    masked patches than their images' mean colors.

    Args:
        interval: Iterations between images; the last iteration gives one too.
        num_images: Columns.
        bands: Three bands to draw as red, green and blue, or one in gray, numbers from
            1 in the order in which the model gets them; None takes the first three, or
            of fewer the first.
    """

    priority = 'LOW'

    def __init__(
        self,
        interval: int = 1000,
        num_images: int = 4,
        bands: Sequence[int] | None = None,
    ) -> None:
        check.at_least('interval', interval, 1)
        check.at_least('num_images', num_images, 1)
        if bands is not None:
            check.one_of(
                "number of 'bands' of rsp.ReconstructionHook", len(bands), (1, 3)
            )
            check.at_least("'bands' of rsp.ReconstructionHook", min(bands), 1)
        self.interval, self.num_images, self.bands = interval, num_images, bands

    @master_only
    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: dict[str, Any] | None = None,
    ) -> None:
        """Draw the first images of this batch, if it is time."""
        due = self.every_n_train_iters(runner, self.interval)
        if not (due or runner.iter + 1 == runner.max_iters):
            return
        model = unwrap_model(runner.model)
        batch = model.data_preprocessor(data_batch, training=False)
        rows = model.reconstruct(batch['inputs'], batch['data_samples'])
        error = relative_error(*rows).item()
        rows = tuple(row[: self.num_images] for row in rows)
        statistics = model.data_preprocessor
        colors = is_color(data_batch['inputs']) and hasattr(statistics, 'mean')
        if colors and self.bands is None:
            pixels = [to_pixels(row, statistics) for row in rows]
        else:
            pixels = stretch_alike(rows, self.bands)
        picture = compose(pixels)
        step = runner.iter + 1
        runner.visualizer.add_image('reconstruction', picture, step=step)
        runner.visualizer.add_scalar('relative_error', error, step=step)
        runner.logger.info(
            f'Masked patches: mean error {error:.3f} times that of a fill with the '
            'mean color.'
        )


def is_color(inputs: Any) -> bool:
    """Return True if raw views, (N, C, H, W) each, have three bands of 8 bits."""
    view = inputs[0]
    return view.dtype == torch.uint8 and view.shape[-3] == 3


def stretch_alike(
    rows: Sequence[Tensor], bands: Sequence[int] | None = None
) -> list[np.ndarray]:
    """Stretch bands of images to 8 bits, all rows as the first.

    Args:
        rows: Each (N, B, H, W), in any unit; the first holds the clean images.
        bands: Of red, green and blue, or of gray, from 1; see `ReconstructionHook`.

    Returns:
        Each (N, H, W, 3), uint8.

    Raises:
        UserError: If the images have fewer bands.
    """
    count = rows[0].shape[1]
    chosen = [*(bands or ((1, 2, 3) if count >= 3 else (1,)))]
    check.between("'bands' of rsp.ReconstructionHook", max(chosen), 1, count)
    shown = [row[:, [b - 1 for b in chosen]].float().cpu().numpy() for row in rows]
    low, high = np.percentile(shown[0], (2, 98), axis=(0, 2, 3), keepdims=True)
    width = np.where(high > low, high - low, np.inf)
    pixels = [
        ((row - low) / width * 255).clip(0, 255).astype(np.uint8) for row in shown
    ]
    return [
        np.broadcast_to(row.transpose(0, 2, 3, 1), (len(row), *row.shape[2:], 3))
        for row in pixels
    ]


def to_pixels(images: Tensor, preprocessor: Any) -> np.ndarray:
    """Undo a preprocessor's normalization.

    Args:
        images: Shape (N, 3, H, W), normalized, RGB.
        preprocessor: Has ``mean`` and ``std``, shape (3, 1, 1), in 0-255.

    Returns:
        Shape (N, H, W, 3), uint8, RGB.
    """
    pixels = images.float() * preprocessor.std + preprocessor.mean
    pixels = pixels.round().clamp(0, 255).to(torch.uint8)
    return pixels.permute(0, 2, 3, 1).cpu().numpy()


def compose(rows: list[np.ndarray], gap: int = 2) -> np.ndarray:
    """Put images side by side and rows below each other, on white.

    Args:
        rows: Each (N, H, W, 3), uint8.
        gap: Pixels between images.

    Returns:
        Shape (R * H + (R - 1) * gap, N * W + (N - 1) * gap, 3).
    """
    spaces = ((0, 0), (0, 0), (0, gap), (0, gap), (0, 0))
    padded = np.pad(np.stack(rows), spaces, constant_values=255)
    num_rows, columns, height, width, _ = padded.shape  # (R, N, H + gap, W + gap, 3)
    canvas = padded.swapaxes(1, 2).reshape(num_rows * height, columns * width, 3)
    return canvas[: num_rows * height - gap, : columns * width - gap]
