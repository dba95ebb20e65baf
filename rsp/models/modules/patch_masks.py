"""Mask the patches of views and locate them, of a whole batch at once."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rsp.errors import UserError
from rsp.ops import check
from rsp.ops.masking import masks_of
from rsp.ops.patches import batch_patch_centers
from rsp.ops.views import ViewRecipe, seeded_uniforms

Array = NDArray[Any]
# Random numbers of the masks are others than those of the views, numbered from 0.
STREAM = 2**16


class PatchMasks:
    """Draw masks and compute centers as ``rsp.MaskedTwoCrop`` does, from seeds.

    Args:
        recipes: Of all views, which are square and of one size.
        mask_patch_size: Edge of the patches that are masked or seen whole, pixels.
        mask_ratio: Share of masked patches, rounded up.
        stride: Pixels per patch of the backbone's map.

    Raises:
        UserError: If patch or stride do not divide the size, or a view is turned.
    """

    def __init__(
        self,
        recipes: Sequence[ViewRecipe],
        mask_patch_size: int = 32,
        mask_ratio: float = 0.6,
        stride: int = 32,
    ) -> None:
        check.between("'mask_ratio' of rsp.DeviceViews", mask_ratio, 0, 1)
        cuts = [recipe.geometry for recipe in recipes]
        height, width = cuts[0].size
        for edge in (mask_patch_size, stride):
            if (
                height % edge
                or width % edge
                or any(c.size != cuts[0].size for c in cuts)
            ):
                raise UserError(
                    'expected views of one size, divisible by mask_patch_size='
                    f"{mask_patch_size} and stride={stride} in 'masked' of "
                    f'rsp.DeviceViews, got {[c.size for c in cuts]}; change them.'
                )
        if any(cut.upside_down or cut.turn for cut in cuts):
            raise UserError(
                "expected views that are mirrored left to right only with 'masked' of "
                'rsp.DeviceViews, whose positions follow that alone; leave out other '
                'flips and turns.'
            )
        self.mask_grid = (height // mask_patch_size, width // mask_patch_size)
        self.map_grid = (height // stride, width // stride)
        self.ratio = mask_ratio

    def __call__(
        self, seeds: Array, geometry: Sequence[Array]
    ) -> tuple[Tensor, Tensor]:
        """Return masks (N, V, h', w') and positions (N, V, h, w, 2).

        Args:
            seeds: Of the items, shape (N,).
            geometry: Of each view, rows of `rsp.ops.views.Geometry.draw`.
        """
        masks, positions = [], []
        for number, rows in enumerate(geometry):
            cells = self.mask_grid[0] * self.mask_grid[1]
            uniforms = seeded_uniforms(seeds, cells, stream=STREAM + number)
            masks.append(masks_of(uniforms.reshape(-1, *self.mask_grid), self.ratio))
            drawn = torch.from_numpy(rows)
            positions.append(
                batch_patch_centers(drawn[:, :4], drawn[:, 4] > 0, self.map_grid)
            )
        return torch.from_numpy(np.stack(masks, axis=1)), torch.stack(positions, dim=1)
