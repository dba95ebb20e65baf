"""Normalize by a mean and a deviation for each of any number of bands."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from rsp.errors import UserError
from rsp.ops import check


class BandStatistics:
    """Give a data preprocessor of an mm-library statistics of N bands.

    mmengine's takes those of 1 or 3. Put this before the other bases.

    Args:
        mean: Per band, in units of the images; None leaves them as they are.
        std: Per band, in units of the images.
        kwargs: Further arguments of the library's.

    Raises:
        UserError: If the numbers of bands differ.
    """

    # Images that a sample stacks along its channels, normalized alike.
    dates = 1
    mean: Tensor
    _enable_normalize: bool

    def __init__(
        self,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if (mean is None) != (std is None) or len(mean or ()) != len(std or ()):
            raise UserError(
                "expected as many numbers in 'mean' as in 'std' of data_preprocessor, "
                f'got {mean} and {std}.'
            )
        if mean is None or std is None:
            return
        self._enable_normalize = True
        # A single number is that of all bands, as in mmengine's.
        times = self.dates if len(mean) > 1 else 1
        for name, values in (('mean', mean), ('std', std)):
            shaped = torch.tensor(values).to(torch.get_default_dtype()).view(-1, 1, 1)
            self.register_buffer(  # type: ignore[attr-defined]
                name, shaped.repeat(times, 1, 1), False
            )

    def forward(self, data: dict[str, Any], training: bool = False) -> dict[str, Any]:
        """Normalize a batch, after a look at the bands of its first images.

        Raises:
            UserError: If there are not as many as statistics, or channels that are not
                three would be reversed.
        """
        inputs = data['inputs']
        first: Tensor = inputs if isinstance(inputs, Tensor) else inputs[0]
        self._check_bands(first.shape[-3])
        return super().forward(data, training)  # type: ignore[misc]

    def _check_bands(self, bands: int) -> None:
        if self._enable_normalize and len(self.mean) > 1:
            dates = f' at {self.dates} dates' if self.dates > 1 else ''
            check.equal(
                f"images with as many bands{dates} as 'mean' of data_preprocessor,",
                bands // self.dates,
                len(self.mean) // self.dates,
                'change it, or the bands of the data set',
            )
        if getattr(self, '_channel_conversion', False):
            # mmengine's would drop all but three bands without a word.
            check.equal(
                'number of bands for to_rgb=True to be',
                bands,
                3,
                'set data_preprocessor.to_rgb, or bgr_to_rgb, to False',
            )
