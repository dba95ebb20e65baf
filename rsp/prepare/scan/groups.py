"""Group rows whose nodes are connected by pairs."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


def group_connected(nodes: NDArray[Any], pairs: NDArray[Any]) -> list[list[int]]:
    """Group rows by the connected components of their nodes.

    Args:
        nodes: Node of each of N rows, from 0, shape (N,).
        pairs: Connected nodes, shape (P, 2).

    Returns:
        Row numbers, rising, of each group; groups by their first row.
    """
    size = int(nodes.max(initial=-1)) + 1
    edges = coo_array((np.ones(len(pairs)), pairs.T), shape=(size, size))
    _, labels = connected_components(edges, directed=False)
    return sorted(group.tolist() for group in group_equal(labels[nodes]))


def group_equal(labels: NDArray[Any]) -> list[NDArray[np.int64]]:
    """Return the row numbers, rising, of each label, shape (N,), by label."""
    order = np.argsort(labels, kind='stable')
    return np.split(order, np.flatnonzero(np.diff(labels[order])) + 1)
