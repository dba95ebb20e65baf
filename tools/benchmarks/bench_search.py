"""Time the search of `rsp analyze search` in vectors as many as a mosaic has windows.

    python tools/benchmarks/bench_search.py --vectors 1000000 --size 512
    python tools/benchmarks/bench_search.py --vectors 1100000 --size 128 --graph

Vectors lie in --clusters clouds of 24 dimensions with noise in all others, as features
of scenes lie near few kinds; --clusters 0 draws them evenly on the sphere. Queries are
drawn among them. The baseline is NumPy's product in single precision, `np.partition`
and a sort. Prints milliseconds per query by the clock and of processor time (all
threads), the recall of the ten nearest besides the query, and how long a graph took to
build.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

# The checkout this script lies in need not be installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from rsp.evaluation.analysis.retrieval.exact_search import VectorSearch
from rsp.evaluation.analysis.retrieval.graph_search import GraphSearch, recall_of

NEAREST, DIMENSIONS, CHUNK = 10, 24, 100_000
Search = Callable[[np.ndarray, int], tuple[np.ndarray, np.ndarray]]


def main() -> None:
    args = parse_args()
    rng = np.random.default_rng(0)
    vectors = draw(args.vectors, args.size, args.clusters, rng)
    queries = vectors[rng.choice(len(vectors), args.queries, replace=False)]
    exact = VectorSearch(vectors)
    exact.nearest(queries[0], NEAREST)  # Halves the precision, once.
    ways: dict[str, Search] = {'all in single precision, NumPy': baseline(vectors)}
    ways['all (--index never)'] = exact.nearest
    if args.graph:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, 'vectors.parquet')
            file.touch()
            start, spent = time.perf_counter(), time.process_time()
            graph = GraphSearch(file, vectors, exact)
            print(
                f'graph: {time.perf_counter() - start:.0f} s by the clock, '
                f'{time.process_time() - spent:.0f} s of processor time; '
                f'{graph.measured}'
            )
        ways['graph (--index auto)'] = graph.nearest
    report(ways, queries)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--vectors', type=int, default=1_000_000)
    parser.add_argument('--size', type=int, default=512, help='of a vector')
    parser.add_argument('--clusters', type=int, default=2000)
    parser.add_argument('--queries', type=int, default=30)
    parser.add_argument('--graph', action='store_true', help='build a graph, too')
    return parser.parse_args()


def draw(count: int, size: int, clusters: int, rng: np.random.Generator) -> np.ndarray:
    """Draw vectors of length 1, shape (count, size), float32."""
    basis = rng.standard_normal((DIMENSIONS, size), np.float32)
    centers = rng.standard_normal((clusters, DIMENSIONS), np.float32)
    vectors = np.empty((count, size), np.float32)
    for start in range(0, count, CHUNK):
        part = vectors[start : start + CHUNK]
        rng.standard_normal(dtype=np.float32, out=part)
        if clusters:
            spread = rng.standard_normal((len(part), DIMENSIONS), np.float32)
            near = centers[rng.integers(clusters, size=len(part))] + 0.5 * spread
            part *= 0.3
            part += near @ basis
        part /= np.linalg.norm(part, axis=1, keepdims=True)
    return vectors


def baseline(vectors: np.ndarray) -> Search:
    """Return the search that ten lines of NumPy are."""

    def nearest(query: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        cosines = vectors @ query
        rows = np.argpartition(cosines, -count)[-count:]
        rows = rows[np.argsort(-cosines[rows], kind='stable')]
        return rows, cosines[rows]

    return nearest


def report(ways: dict[str, Search], queries: np.ndarray) -> None:
    """Print a line for each way.

    One after the other: in turns, threads of NumPy's library would spin into the next.
    """
    found: dict[str, list[np.ndarray]] = {way: [] for way in ways}
    clock: dict[str, list[float]] = {way: [] for way in ways}
    spent: dict[str, list[float]] = {way: [] for way in ways}
    for way, nearest in ways.items():
        time.sleep(0.5)
        for query in queries:
            start, used = time.perf_counter(), time.process_time()
            found[way].append(nearest(query, NEAREST + 1)[1][1:])
            clock[way].append(time.perf_counter() - start)
            spent[way].append(time.process_time() - used)
    first, *_ = ways
    for way in ways:
        median = 1000 * np.median(clock[way])
        print(
            f'{way}: {median:.1f} ms (worst {1000 * max(clock[way]):.1f}), '
            f'{1000 * np.median(spent[way]):.1f} ms of processor time, '
            f'recall@{NEAREST} {recall_of(found[first], found[way]):.4f}, '
            f'{np.median(clock[first]) / np.median(clock[way]):.1f} x the first'
        )


if __name__ == '__main__':
    main()
