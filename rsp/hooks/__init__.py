"""What watches or schedules a run."""

from .mean_over_ranks import MeanOverRanksHook
from .num_classes import NumClassesHook
from .pictures import PicturesHook
from .preflight import PreflightHook
from .progress import ProgressHook
from .reconstruction import ReconstructionHook
from .scene_report import SceneReportHook
from .teacher import TeacherHook
from .value_schedule import ValueScheduleHook

__all__ = [
    'MeanOverRanksHook',
    'NumClassesHook',
    'PicturesHook',
    'PreflightHook',
    'ProgressHook',
    'ReconstructionHook',
    'SceneReportHook',
    'TeacherHook',
    'ValueScheduleHook',
]
