"""Scene classification: published data sets, their splits, a check of the labels."""

from .scene_sets import SCENE_SETS, SceneSet

__all__ = ['SCENE_SETS', 'SceneSet']
