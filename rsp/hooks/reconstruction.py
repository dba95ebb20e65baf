"""Pictures of what a masked model makes of hidden cells."""

from typing import Any

import numpy as np
import torch
from mmengine.dist import master_only
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import Tensor

from rsp.registry import HOOKS


@HOOKS.register_module()
class ReconstructionHook(Hook):
    """Write clean, masked and reconstructed images to every visualisation backend.

    One picture: three rows (clean, masked, hidden cells reconstructed), a column per
    image. With the default backends it appears in TensorBoard and below
    ``vis_data/vis_image`` of the work dir. Statistics of the preprocessor turn the
    images back into pixels.

    Args:
        interval: Iterations between pictures; the last iteration gives one too.
        num_images: Columns.
    """

    priority = 'LOW'

    def __init__(self, interval: int = 1000, num_images: int = 4) -> None:
        if interval < 1 or num_images < 1:
            raise ValueError(
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
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        batch = model.data_preprocessor(data_batch, training=False)
        inputs = [view[: self.num_images] for view in batch['inputs']]
        samples = batch['data_samples'].new()
        for name in ('masks', 'positions'):
            samples.set_field(batch['data_samples'].get(name)[: self.num_images], name)
        rows = model.restore(inputs, samples)
        picture = compose([to_pixels(row, model.data_preprocessor) for row in rows])
        runner.visualizer.add_image('reconstruction', picture, step=runner.iter + 1)


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
