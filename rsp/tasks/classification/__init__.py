"""Classify scenes: published data sets and their fixed splits."""

from rsp.tasks.classification.benchmarks import SCENE_SETS, SceneSet
from rsp.tasks.classification.scene_benchmark import SceneBenchmark

__all__ = ['SCENE_SETS', 'SceneBenchmark', 'SceneSet']
