"""Search vectors by all their cosines."""

import warnings
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from rsp.ops import check

# Candidates by half precision for each result; its rounding, 5e-4 of a cosine, moves
# none of the best behind so many.
CANDIDATES = 32


class VectorSearch:
    """Search vectors by all their cosines.

    The product is taken in half precision, which halves the memory to read and with it
    the time; its best candidates are compared again in single precision.

    Args:
        vectors: Shape (N, D), float32, of length 1.
    """

    def __init__(self, vectors: np.ndarray) -> None:
        with warnings.catch_warnings():
            # A file's columns are read-only, and nothing is written here.
            warnings.filterwarnings('ignore', 'The given NumPy array is not writable')
            self.vectors = torch.from_numpy(np.ascontiguousarray(vectors, np.float32))

    @cached_property
    def half(self) -> Tensor:
        """The vectors in half precision, shape (N, D)."""
        return self.vectors.half()

    def cosines(self, query: np.ndarray) -> np.ndarray:
        """Compute all cosines in single precision, shape (N,)."""
        return (self.vectors @ _as_tensor(query)).numpy()

    def nearest(self, query: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Find the vectors of highest cosine.

        Args:
            query: Shape (D,), of length 1.
            count: Of results, at most N.

        Returns:
            Their rows and cosines, best first.
        """
        check.between('number of results', count, 1, len(self.vectors))
        rough = self.half @ _as_tensor(query).half()
        some = min(len(rough), count * CANDIDATES)
        candidates = rough.topk(some, sorted=False).indices.sort().values
        return self.best_of(query, candidates, count)

    def best_of(
        self, query: np.ndarray, candidates: Tensor, count: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Compare candidates in single precision; as `nearest` returns them.

        Args:
            query: Shape (D,).
            candidates: Rows, ascending, so that equal ones keep their order.
            count: Of results.
        """
        exact = self.vectors[candidates] @ _as_tensor(query)
        best = exact.argsort(descending=True, stable=True)[:count]
        return candidates[best].numpy(), exact[best].numpy()


def _as_tensor(query: np.ndarray) -> Tensor:
    return torch.tensor(np.asarray(query, np.float32))
