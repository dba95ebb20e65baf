"""Draw the masked patches that a model reconstructs."""

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
    ``vis_data/vis_image`` of the work dir. Statistics of the preprocessor turn the
    images back into pixels. Beside it, over the whole batch, the scalar
    ``relative_error`` (:func:`rsp.ops.reconstruction.relative_error`): below 1 the
    model knows more of masked patches than their images' mean colors.

    Args:
        interval: Iterations between images; the last iteration gives one too.
        num_images: Columns.
    """

    priority = 'LOW'

    def __init__(self, interval: int = 1000, num_images: int = 4) -> None:
        check.at_least('interval', interval, 1)
        check.at_least('num_images', num_images, 1)
        self.interval, self.num_images = interval, num_images

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
        picture = compose(
            [to_pixels(row[: self.num_images], model.data_preprocessor) for row in rows]
        )
        step = runner.iter + 1
        runner.visualizer.add_image('reconstruction', picture, step=step)
        runner.visualizer.add_scalar('relative_error', error, step=step)
        runner.logger.info(
            f'Masked patches: mean error {error:.3f} times that of a fill with the '
            'mean color.'
        )


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
