"""Pictures of what a masked model makes of hidden cells."""

from typing import Any

import numpy as np
import torch
from mmengine.dist import master_only
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor

from rsp.engine.distributed import unwrap_model
from rsp.errors import UserError
from rsp.registry import HOOKS


@HOOKS.register_module()
class ReconstructionHook(Hook):
    """Write clean, masked and reconstructed images to every visualisation backend.

    One picture: three rows (clean, masked, hidden cells reconstructed), a column per
    image. With the default backends it appears in TensorBoard and below
    ``vis_data/vis_image`` of the work dir. Statistics of the preprocessor turn the
    images back into pixels. Beside it, over the whole batch, the scalar
    ``error_over_fill``, see there: below 1 the model knows more of hidden cells than
    their images' mean colours.

    Args:
        interval: Iterations between pictures; the last iteration gives one too.
        num_images: Columns.
    """

    priority = 'LOW'

    def __init__(self, interval: int = 1000, num_images: int = 4) -> None:
        if interval < 1 or num_images < 1:
            raise UserError(
                f'expected interval and num_images of at least 1, got {interval} and '
                f'{num_images}.'
            )
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
        rows = model.restore(batch['inputs'], batch['data_samples'])
        error = error_over_fill(*rows).item()
        picture = compose(
            [to_pixels(row[: self.num_images], model.data_preprocessor) for row in rows]
        )
        step = runner.iter + 1
        runner.visualizer.add_image('reconstruction', picture, step=step)
        runner.visualizer.add_scalar('error_over_fill', error, step=step)
        runner.logger.info(
            f'Hidden cells: mean error {error:.3f} times that of a fill with the mean '
            'colour.'
        )


def error_over_fill(clean: Tensor, masked: Tensor, restored: Tensor) -> Tensor:
    """How far hidden pixels are from the truth, over how far their mean fill is.

    Args:
        clean: Images, shape (N, C, H, W).
        masked: The same with hidden cells filled with the image's mean.
        restored: The same with hidden cells reconstructed.

    Returns:
        Ratio of the mean absolute errors: 0 is perfect, 1 no better than the fill; NaN
        if the fill is perfect itself.
    """
    # Visible pixels are the same in all three and add nothing.
    return (restored - clean).abs().sum() / (masked - clean).abs().sum()


def to_pixels(images: Tensor, preprocessor: Any) -> np.ndarray:
    """Undo a preprocessor's normalisation.

    Args:
        images: Shape (N, 3, H, W), normalised, RGB.
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
    images, height, width = rows[0].shape[:3]
    canvas = np.full(
        (
            len(rows) * (height + gap) - gap,
            images * (width + gap) - gap,
            3,
        ),
        255,
        dtype=np.uint8,
    )
    for r, row in enumerate(rows):
        for c, image in enumerate(row):
            top, left = r * (height + gap), c * (width + gap)
            canvas[top : top + height, left : left + width] = image
    return canvas
