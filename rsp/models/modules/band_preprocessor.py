"""Normalize images of any number of bands."""

from collections.abc import Sequence
from typing import Any

import torch
from mmpretrain.models import SelfSupDataPreprocessor
from torch import Tensor

from rsp.errors import UserError
from rsp.ops import check
from rsp.registry import MODELS


@MODELS.register_module()
class BandDataPreprocessor(SelfSupDataPreprocessor):
    """Move and normalize images of N bands; mmengine's takes 1 or 3 statistics only.

    Args:
        mean: Per band, in units of the images; None leaves them as they are.
        std: Per band, in units of the images.
        to_rgb: Whether three bands arrive as BGR, as ``rsp.SceneDataset`` gives them.
        kwargs: Further arguments of mmpretrain's.

    Batch:
        ``inputs`` (N, C, H, W) or a list of views of that shape, and ``data_samples``.

    Raises:
        UserError: If the numbers of bands differ, or ``to_rgb`` is for other than
            three.
    """

    def __init__(
        self,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        to_rgb: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(to_rgb=to_rgb, **kwargs)
        if (mean is None) != (std is None) or len(mean or ()) != len(std or ()):
            raise UserError(
                "expected as many numbers in 'mean' as in 'std' of data_preprocessor, "
                f'got {mean} and {std}.'
            )
        if mean is None or std is None:
            return
        self._enable_normalize = True
        for name, values in (('mean', mean), ('std', std)):
            shaped = torch.tensor(values, dtype=torch.float32).view(-1, 1, 1)
            self.register_buffer(name, shaped, False)

    def forward(self, data: dict[str, Any], training: bool = False) -> dict[str, Any]:
        """Normalize a batch, after a look at its bands."""
        inputs = data['inputs']
        first: Tensor = inputs[0] if isinstance(inputs, list) else inputs
        bands = first.shape[-3]
        # A single number is that of all bands, as in mmengine's.
        one_for_all = not self._enable_normalize or len(self.mean) == 1
        expected = bands if one_for_all else len(self.mean)
        check.equal(
            "images with as many bands as 'mean' of data_preprocessor,",
            bands,
            expected,
            'change it, or the bands of the data set',
        )
        if self._channel_conversion:
            # mmengine's would drop all but three bands without a word.
            check.equal(
                'number of bands for to_rgb=True to be',
                bands,
                3,
                'set data_preprocessor.to_rgb=False',
            )
        return super().forward(data, training)
