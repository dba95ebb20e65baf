"""Pool the output of any backbone to one vector per image."""

from collections.abc import Sequence

from torch import Tensor

from rsp.errors import UserError


def pool(features: Tensor | Sequence[Tensor]) -> Tensor:
    """Turn the output of any mmpretrain backbone into one vector per image.

    Args:
        features: Map (N, C, h, w), tokens (N, L, C) or vectors (N, C); of a list
            or tuple of outputs the last one, the deepest stage, is used.

    Returns:
        Shape (N, C): the mean over positions or tokens; vectors pass unchanged.

    Raises:
        UserError: If there is no output, or it has another number of dimensions.
    """
    if not isinstance(features, Tensor):
        if len(features) == 0:
            raise UserError(
                'expected at least one backbone output, got none; '
                "set 'out_indices' of the backbone."
            )
        features = features[-1]
    if features.ndim == 4:
        return features.mean(dim=(2, 3))
    if features.ndim == 3:
        return features.mean(dim=1)
    if features.ndim == 2:
        return features
    raise UserError(
        'expected a backbone output of shape (N, C, h, w), (N, L, C) or (N, C), '
        f"got {tuple(features.shape)}; check 'out_type' or 'out_indices' of the "
        'backbone.'
    )
