"""Pack views, or an image whose views are made on the device, without copies."""

from typing import Any

import numpy as np
import torch
from mmpretrain.datasets.transforms import PackInputs

from rsp.datasets.seeding import draw_seed
from rsp.errors import UserError
from rsp.ops.views.kernels.frames import Frame
from rsp.registry import TRANSFORMS

KEYS = ('frame', 'view_boxes', 'value_range')


@TRANSFORMS.register_module()
class PackViews(PackInputs):
    """Pack views, or an image, as they lie in memory: all bands of a pixel together.

    ``PackInputs`` copies them plane by plane, which takes as long as to change their
    brightness, contrast and saturation; convolutions of channels-last weights turn them
    around again. ``rsp.stacked_collate`` and ``rsp.paired_collate`` keep their order.

    Required key: ``img``, (H, W, C), or a list of such.

    Args:
        kwargs: Those of mmpretrain's.
    """

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Pack ``img`` and what belongs to it."""
        image = results['img']
        packed = [*map(_tensor, image)] if isinstance(image, list) else _tensor(image)
        return super().transform(results | dict(img=packed))


@TRANSFORMS.register_module()
class PackForDevice(PackInputs):
    """Pack an image as it lies in memory, and the seed of its views.

    ``PackInputs`` for the preprocessor ``rsp.DeviceViews``: whatever loads an image may
    stand before it, and nothing random but ``rsp.SampleOverlappingBoxes``. Pixels are
    not copied; ``rsp.stacked_collate`` does that once, padding images of other sizes.

    Required key: ``img``, (H, W, C). Optional keys: ``frame``, which
    ``rsp.LoadForDevice`` adds; ``view_boxes``; ``value_range``; those of mmpretrain's.

    Args:
        algorithm_keys: Further keys to pack.
        kwargs: Those of mmpretrain's.
    """

    def __init__(self, algorithm_keys: tuple[str, ...] = (), **kwargs: Any) -> None:
        super().__init__(algorithm_keys=(*KEYS, *algorithm_keys), **kwargs)

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Pack ``img`` and what belongs to it.

        Raises:
            UserError: If views were made already.
        """
        image = results['img']
        if not isinstance(image, np.ndarray):
            raise UserError(
                'rsp.PackForDevice expects one image per item, got '
                f'{type(image).__name__}; leave transforms that make views to '
                'data_preprocessor=dict(type="rsp.DeviceViews", ...).'
            )
        image = image[..., None] if image.ndim == 2 else image
        # Of a memory map, which torch would warn of.
        image = image if image.flags.writeable else image.copy()
        packed = results | dict(img=torch.from_numpy(image).permute(2, 0, 1))
        height, width = image.shape[:2]
        frame = results.get('frame')
        if frame is None:
            frame = Frame(draw_seed(), height, width, 1, 0, 0, height, width)
        packed['frame'] = torch.from_numpy(np.array(frame, np.int64))
        for key, kind in (
            ('view_boxes', torch.float64),
            ('value_range', torch.float32),
        ):
            if key in results:
                packed[key] = torch.as_tensor(np.asarray(results[key]), dtype=kind)
        return super().transform(packed)


def _tensor(image: np.ndarray) -> torch.Tensor:
    # Mirrored by a transform that is run as it is, it may have negative strides.
    pixels = np.ascontiguousarray(np.atleast_3d(image))
    return torch.from_numpy(pixels).permute(2, 0, 1)
