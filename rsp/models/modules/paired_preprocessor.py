"""Normalize a batch that holds several sources."""

from collections.abc import Sequence
from typing import Any

from torch import nn

from rsp.errors import UserError
from rsp.models.modules.band_preprocessor import BandDataPreprocessor
from rsp.models.modules.device_views import DeviceViews
from rsp.registry import MODELS


@MODELS.register_module()
class PairedDataPreprocessor(BandDataPreprocessor):
    """Move and normalize each source of a paired batch.

    All in the same way, as published, where one backbone sees them; sources of other
    bands by statistics of their own.

    Args:
        mean: Per band, in units of the images, 0-255 as published.
        std: Per band, in units of the images.
        to_rgb: Whether images arrive as BGR (mmcv's order) and the model wants RGB.
        sources: ``mean``, ``std`` and ``to_rgb`` of sources that differ, by name; with
            ``transforms`` those of ``rsp.DeviceViews``, normalized as all unless told
            otherwise.
        kwargs: Further arguments of mmpretrain's, for all sources.

    Batch:
        ``{source: dict(inputs=..., data_samples=...)}`` as made by
        ``rsp.paired_collate``; inputs are (N, B, H, W) or a list of views.

    Returns:
        ``inputs``, by source floats of (N, B, H, W) or a list of them, and
        ``data_samples``, by source.
    """

    def __init__(
        self,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        to_rgb: bool = False,
        sources: dict[str, dict[str, Any]] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(mean, std, to_rgb=to_rgb, **kwargs)
        self.sources = nn.ModuleDict()
        common = kwargs | dict(mean=mean, std=std, to_rgb=to_rgb)
        for name, own in (sources or {}).items():
            if 'transforms' in own:
                self.sources[name] = DeviceViews(**common | own)
            else:
                self.sources[name] = BandDataPreprocessor(**kwargs | own)

    def forward(self, data: dict[str, Any], training: bool = False) -> dict[str, Any]:
        """Normalize every source of the batch."""
        sources = {
            name: self._source(name, part, training) for name, part in data.items()
        }
        return {
            field: {name: part[field] for name, part in sources.items()}
            for field in ('inputs', 'data_samples')
        }

    def _source(
        self, name: str, part: dict[str, Any], training: bool
    ) -> dict[str, Any]:
        try:
            if name in self.sources:
                return self.sources[name](part, training)
            return super().forward(part, training)
        except UserError as error:
            raise UserError(
                f"source '{name}': {error} Statistics of its own go into "
                f'data_preprocessor.sources.{name}.'
            ) from error
