"""Measure what a backbone has learned without changing it."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rsp.evaluation.batch_norm import reestimate_batch_norm
    from rsp.evaluation.features import extract_features, standardize
    from rsp.evaluation.knn import KNNProbe, knn_scores
    from rsp.evaluation.linear_probe import LinearClassifier, LinearProbe, fit_linear
    from rsp.evaluation.probe_loop import ProbeLoop

# Imported when first used: `rsp analyze --help` waits for no library.
HOMES = {
    'batch_norm': 'reestimate_batch_norm',
    'features': 'extract_features standardize',
    'knn': 'KNNProbe knn_scores',
    'linear_probe': 'LinearClassifier LinearProbe fit_linear',
    'probe_loop': 'ProbeLoop',
}
HOME_OF = {name: home for home, names in HOMES.items() for name in names.split()}

__all__ = [
    'KNNProbe',
    'LinearClassifier',
    'LinearProbe',
    'ProbeLoop',
    'extract_features',
    'fit_linear',
    'knn_scores',
    'reestimate_batch_norm',
    'standardize',
]


def __getattr__(name: str) -> Any:
    if name not in HOME_OF:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    found = getattr(import_module(f'{__name__}.{HOME_OF[name]}'), name)
    globals()[name] = found
    return found
