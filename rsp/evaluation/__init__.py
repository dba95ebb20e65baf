"""Measure what a backbone has learned without changing it."""

from rsp.evaluation.batch_norm import reestimate_batch_norm
from rsp.evaluation.features import extract_features, standardize
from rsp.evaluation.knn import KNNProbe, knn_scores
from rsp.evaluation.linear_probe import LinearClassifier, LinearProbe, fit_linear
from rsp.evaluation.probe_loop import ProbeLoop

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
