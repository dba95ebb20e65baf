"""Scene classification: published data sets and their splits."""

from .scene_sets import SCENE_SETS, SceneSet

__all__ = ['SCENE_SETS', 'SceneSet']
