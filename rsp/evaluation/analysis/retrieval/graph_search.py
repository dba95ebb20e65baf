"""Search millions of vectors by a graph of near ones, its recall measured."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rsp.errors import UserError, print_once
from rsp.evaluation.analysis.retrieval.exact_search import VectorSearch
from rsp.io.files import write_atomically
from rsp.io.text import load_json
from rsp.ops import check

# Vectors above which the exact product takes longer than a tenth of a second.
MANY = 1_000_000
RECALL, OF_NEAREST, QUERIES = 0.99, 10, 200
# What is looked at in the graph, per query: the first that reaches the recall is taken.
BREADTHS = (64, 128, 256, 512, 1024, 2048, 4096)
# Candidates of the graph per result; their order in half precision is not the last.
CANDIDATES = 4
LINKS = 32


@dataclass(frozen=True)
class Measured:
    """Hold what was measured of a graph.

    Attributes:
        vectors: Their number.
        modified: Time of their file, ns.
        breadth: Candidates that a query looks at.
        recall: Share of the 10 exact nearest that it finds, over drawn queries.
        queries: Their number.
    """

    vectors: int
    modified: int
    breadth: int
    recall: float
    queries: int


class GraphSearch:
    """Search by usearch's HNSW graph (arXiv:1603.09320), kept beside the vectors.

    The graph is built once, ``<vectors>.usearch``, and its breadth raised until it
    finds 99 % of the 10 nearest of the exact product, for queries drawn among the
    vectors.
    Vectors without neighborhoods, such as random ones of hundreds of dimensions, cannot
    be searched so: that is refused with the recall that was reached.

    Args:
        file: The vectors' file.
        vectors: Shape (N, D), float32, of length 1.
        exact: Search of these by all cosines, for the last comparison.
        seed: Of the drawn queries.

    Raises:
        UserError: If usearch is missing, or the recall is not reached.
    """

    def __init__(
        self, file: Path, vectors: np.ndarray, exact: VectorSearch, seed: int = 0
    ) -> None:
        self.exact = exact
        place = file.with_suffix('.usearch')
        notes = place.with_suffix('.usearch.json')
        modified = file.stat().st_mtime_ns
        self.index = _make_index(vectors.shape[1])
        known = _read_notes(notes)
        if known and place.is_file() and known.modified == modified:
            self.index.view(str(place))
            self.measured = known
        else:
            print_once(f'building a graph of {len(vectors):,} vectors, once ...')
            # Keys are the rows.
            self.index.add(np.arange(len(vectors)), vectors)
            with write_atomically(place) as unfinished:
                self.index.save(str(unfinished))
            self.measured = self._measure(vectors, modified, seed)
            with write_atomically(notes) as unfinished:
                unfinished.write_text(json.dumps(asdict(self.measured), indent=1))
        self.index.expansion_search = self.measured.breadth
        if self.measured.recall < RECALL:
            raise UserError(
                f"expected the graph of '{file}' to find {RECALL:.0%} of the nearest "
                f'{OF_NEAREST}, it finds {self.measured.recall:.1%}; take --index '
                'never, the exact product.'
            )

    def nearest(self, query: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Find vectors of highest cosine, as `VectorSearch.nearest` does."""
        check.between('number of results', count, 1, len(self.exact.vectors))
        some = min(len(self.exact.vectors), count * CANDIDATES)
        keys = self.index.search(np.asarray(query, np.float32), some).keys
        rows = torch.from_numpy(np.sort(np.asarray(keys).astype(np.int64)))
        return self.exact.best_of(query, rows, count)

    def _measure(self, vectors: np.ndarray, modified: int, seed: int) -> Measured:
        rng = np.random.default_rng(seed)
        drawn = rng.choice(len(vectors), min(QUERIES, len(vectors)), replace=False)
        # Besides itself, which any graph finds.
        count = min(OF_NEAREST + 1, len(vectors))
        exact = [self.exact.nearest(vectors[row], count)[1][1:] for row in drawn]
        for breadth in BREADTHS:
            self.index.expansion_search = breadth
            found = [self.nearest(vectors[row], count)[1][1:] for row in drawn]
            recall = recall_of(exact, found)
            if recall >= RECALL:
                break
        return Measured(len(vectors), modified, breadth, recall, len(drawn))


def recall_of(exact: list[np.ndarray], found: list[np.ndarray]) -> float:
    """Return the share of exact results that were found.

    Results are compared by their cosines, so that copies count as each other.

    Args:
        exact: Cosines of each query, best first.
        found: As many of each.
    """
    # Any that is as near as the last exact one is among the nearest.
    hits = [
        (near >= best[-1] - 1e-6).sum() for best, near in zip(exact, found, strict=True)
    ]
    return float(np.sum(hits) / sum(map(len, exact)))


def _make_index(size: int) -> Any:
    try:
        from usearch.index import Index
    except ModuleNotFoundError as error:
        raise UserError(
            f"vectors above {MANY:,} are searched by the package 'usearch'; install "
            'rsp-pretrain[analyze], or take --index never, the exact product.'
        ) from error
    return Index(ndim=size, metric='cos', dtype='bf16', connectivity=LINKS)


def _read_notes(file: Path) -> Measured | None:
    if not file.is_file():
        return None
    try:
        return Measured(**load_json(file.read_bytes()))
    except (TypeError, ValueError):
        return None  # Damaged: measured again.
