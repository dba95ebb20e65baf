"""Normalize a batch that holds several sources."""

from typing import Any

from mmpretrain.models import SelfSupDataPreprocessor

from rsp.registry import MODELS


@MODELS.register_module()
class PairedDataPreprocessor(SelfSupDataPreprocessor):
    """Move and normalize each source of a paired batch, all in the same way.

    One backbone sees all sources, so they share mean and std, as published.

    Args:
        mean: Per channel, in pixel units 0-255.
        std: Per channel, in pixel units 0-255.
        to_rgb: Whether images arrive as BGR (mmcv's order) and the model wants RGB.
        non_blocking: Whether copies to the device may overlap with computation.

    Batch:
        ``{source: dict(inputs=..., data_samples=...)}`` as made by
        ``rsp.paired_collate``; inputs are uint8 (N, 3, H, W) or a list of views.

    Returns:
        ``dict(inputs={source: float (N, 3, H, W) or list of them},
        data_samples={source: DataSample})``.
    """

    def forward(self, data: dict[str, Any], training: bool = False) -> dict[str, Any]:
        """Normalize every source of the batch."""
        sources = {
            name: super(PairedDataPreprocessor, self).forward(part, training)
            for name, part in data.items()
        }
        return {
            field: {name: part[field] for name, part in sources.items()}
            for field in ('inputs', 'data_samples')
        }
