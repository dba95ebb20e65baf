"""What a backbone has learned, measured without changing it."""

from rsp.analysis.batch_norm import reestimate_batch_norm
from rsp.analysis.features import extract_features, standardize
from rsp.analysis.knn import KNNProbe, knn_scores
from rsp.analysis.linear_probe import LinearClassifier, LinearProbe, fit_linear
from rsp.analysis.probe_loop import ProbeLoop

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
