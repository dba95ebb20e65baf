"""Compute shares of land-cover classes, GeoKR's soft labels."""

from collections.abc import Mapping, Sequence
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from rsp.errors import UserError

# In the order of GlobeLand30's codes.
LAND_COVER_CLASSES = (
    'Cultivated_Land',
    'Forest',
    'Grassland',
    'Shrubland',
    'Wetland',
    'Waterbodies',
    'Tundra',
    'Artificial_Surfaces',
    'Bareland',
    'Permanent_Snow',
    'sea',
)
# What the official configuration learns; its order is the order of the outputs.
GEOKR_CLASSES = (
    'Artificial_Surfaces',
    'Bareland',
    'Cultivated_Land',
    'Forest',
    'Grassland',
    'Permanent_Snow',
    'Waterbodies',
    'Wetland',
)
# How the official code, its label files and its configs spell two of them.
OFFICIAL_SPELLINGS = {'Foreast': 'Forest', 'Artifical_Surfaces': 'Artificial_Surfaces'}
EPSILON = 1e-6

Array = NDArray[Any]
Classes = Sequence[str | Sequence[str]]


def order_counts(counts: Mapping[str, float]) -> Array:
    """Return counts by name as an array in the order of ``LAND_COVER_CLASSES``.

    Args:
        counts: Cells of each of the 11 classes, in our or the official spelling.

    Returns:
        Shape (11,), float64.

    Raises:
        KeyError: If a class is missing.
    """
    known = {OFFICIAL_SPELLINGS.get(name, name): n for name, n in counts.items()}
    return np.array([known[name] for name in LAND_COVER_CLASSES], float)


def output_names(classes: Classes) -> list[str]:
    """Return a name for each output, ``'Forest+Shrubland'`` for a group."""
    return ['+'.join(group) for group in _groups(classes)]


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
    r"""Compute the share of each selected class among the selected classes.

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
            group of names. The official code's spelling is understood, too.

    Returns:
        Shape (..., C), 0 to 1, float64 for arrays and mappings, of the tensor's type
        for tensors of floats, which stay on their device.

    Raises:
        UserError: If a class is unknown, selected twice or missing in ``counts``, or
            ``counts`` has other than 11 columns.
    """
    groups = _groups(classes)
    matrix = _selection_matrix(groups)
    if isinstance(counts, Mapping):
        needed = {name for group in groups for name in group}
        missing = needed - {OFFICIAL_SPELLINGS.get(name, name) for name in counts}
        if missing:
            raise UserError(
                f'expected counts of {", ".join(sorted(missing))}, got only those of '
                f'{", ".join(counts)}; label again, or leave the class out of '
                "'classes'."
            )
        counts = order_counts({**dict.fromkeys(LAND_COVER_CLASSES, 0), **counts})
    if counts.shape[-1] != len(LAND_COVER_CLASSES):
        raise UserError(
            f'expected counts of {len(LAND_COVER_CLASSES)} classes in the last axis, '
            f'got shape {tuple(counts.shape)}; the order is '
            f'{", ".join(LAND_COVER_CLASSES)}.'
        )
    if isinstance(counts, Tensor):
        floats = counts if counts.is_floating_point() else counts.float()
        chosen = floats @ floats.new_tensor(matrix)
        return chosen / (chosen.sum(-1, keepdim=True) + EPSILON)
    selected = counts.astype(np.float64) @ matrix
    return selected / (selected.sum(-1, keepdims=True) + EPSILON)


def _groups(classes: Classes) -> list[list[str]]:
    groups = [[entry] if isinstance(entry, str) else entry for entry in classes]
    return [[OFFICIAL_SPELLINGS.get(name, name) for name in group] for group in groups]


def _selection_matrix(groups: Sequence[Sequence[str]]) -> Array:
    """Return 1 where a class (11 rows) adds to an output (column), else 0."""
    matrix = np.zeros((len(LAND_COVER_CLASSES), len(groups)))
    for output, group in enumerate(groups):
        for name in group:
            if name not in LAND_COVER_CLASSES:
                raise UserError(
                    f"expected names of land cover in 'classes', got {name!r}; known "
                    f'are {", ".join(LAND_COVER_CLASSES)}.'
                )
            row = LAND_COVER_CLASSES.index(name)
            if matrix[row].any():
                raise UserError(
                    f"expected every class at most once in 'classes', got '{name}' "
                    'twice; remove one.'
                )
            matrix[row, output] = 1
    if not groups:
        raise UserError("expected at least one class in 'classes', got none.")
    return matrix
