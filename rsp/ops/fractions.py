"""Shares of land-cover classes, GeoKR's soft labels."""

from collections.abc import Mapping, Sequence
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from rsp.errors import UserError

# The names and the spelling of the official label files, in the order of their codes.
LAND_COVER_CLASSES = (
    'Cultivated_Land',
    'Foreast',
    'Grassland',
    'Shrubland',
    'Wetland',
    'Waterbodies',
    'Tundra',
    'Artifical_Surfaces',
    'Bareland',
    'Permanent_Snow',
    'sea',
)
# What the official configuration learns; its order is the order of the outputs.
GEOKR_CLASSES = (
    'Artifical_Surfaces',
    'Bareland',
    'Cultivated_Land',
    'Foreast',
    'Grassland',
    'Permanent_Snow',
    'Waterbodies',
    'Wetland',
)
EPSILON = 1e-6

Array = NDArray[Any]
Classes = Sequence[str | Sequence[str]]


@overload
def class_fractions(counts: Tensor, classes: Classes = ...) -> Tensor: ...
@overload
def class_fractions(
    counts: Array | Mapping[str, float], classes: Classes = ...
) -> Array: ...
def class_fractions(
    counts: Tensor | Array | Mapping[str, float],
    classes: Classes = GEOKR_CLASSES,
) -> Tensor | Array:
    r"""Share of each selected class among the selected classes.

    .. math::
        y_c = \frac{n_c}{\sum_k n_k + 10^{-6}}

    where :math:`n_c` is the count of a selected class, or the sum over a group of them.
    The constant is the official code's, so shares of 100 cells add up to 0.99999999.
    Where none of the selected classes occurs, all shares are 0.

    GeoKR, Li et al., TGRS 2022, https://arxiv.org/abs/2107.05276, from its published
    code (the formula stands in no source that we could read).

    Args:
        counts: Cells of each class >= 0, in any unit: by name, or shape (..., 11) in
            the order of ``LAND_COVER_CLASSES``.
        classes: The C selected classes in the order of the result; each a name or a
            group of names.

    Returns:
        Shape (..., C), 0 to 1, float64 for arrays and mappings, of the tensor's type
        for tensors of floats, which stay on their device.

    Raises:
        ValueError: If a class is unknown, selected twice or missing in ``counts``, or
            ``counts`` has other than 11 columns.
    """
    groups = [(entry,) if isinstance(entry, str) else tuple(entry) for entry in classes]
    columns = _columns(groups)
    if isinstance(counts, Mapping):
        missing = {name for group in groups for name in group} - counts.keys()
        if missing:
            raise UserError(
                f'expected counts of {", ".join(sorted(missing))}, got only those of '
                f'{", ".join(counts)}; label anew, or leave the class out of '
                "'classes'."
            )
        counts = np.array([counts.get(name, 0) for name in LAND_COVER_CLASSES], float)
    if counts.shape[-1] != len(LAND_COVER_CLASSES):
        raise UserError(
            f'expected counts of {len(LAND_COVER_CLASSES)} classes in the last axis, '
            f'got shape {tuple(counts.shape)}; the order is '
            f'{", ".join(LAND_COVER_CLASSES)}.'
        )
    if isinstance(counts, Tensor):
        floats = counts if counts.is_floating_point() else counts.float()
        chosen = floats @ floats.new_tensor(columns)
        return chosen / (chosen.sum(-1, keepdim=True) + EPSILON)
    selected = counts.astype(np.float64) @ columns
    return selected / (selected.sum(-1, keepdims=True) + EPSILON)


def _columns(groups: Sequence[Sequence[str]]) -> Array:
    """Which of the 11 classes (rows) add to which output (columns), 0 or 1."""
    columns = np.zeros((len(LAND_COVER_CLASSES), len(groups)))
    for place, group in enumerate(groups):
        for name in group:
            if name not in LAND_COVER_CLASSES:
                raise UserError(
                    f"expected names of land cover in 'classes', got {name!r}; known "
                    f'are {", ".join(LAND_COVER_CLASSES)} (spelled as in the official '
                    'label files).'
                )
            row = LAND_COVER_CLASSES.index(name)
            if columns[row].any():
                raise UserError(
                    f"expected every class at most once in 'classes', got '{name}' "
                    'twice; remove one.'
                )
            columns[row, place] = 1
    if not groups:
        raise UserError("expected at least one class in 'classes', got none.")
    return columns
