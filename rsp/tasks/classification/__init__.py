"""Scene classification: published data sets, their splits, a check of the labels."""

from rsp.tasks.classification.benchmarks import SCENE_SETS, SceneSet

__all__ = ['SCENE_SETS', 'SceneSet']
