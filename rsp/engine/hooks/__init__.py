"""Watch and schedule runs."""

from rsp.engine.health.hook import HealthHook
from rsp.engine.hooks.checkpoint import CheckpointHook
from rsp.engine.hooks.mean_over_ranks import MeanOverRanksHook
from rsp.engine.hooks.non_finite import NonFiniteHook
from rsp.engine.hooks.num_classes import NumClassesHook
from rsp.engine.hooks.progress import ProgressHook
from rsp.engine.hooks.reconstruction import ReconstructionHook
from rsp.engine.hooks.scene_report import SceneReportHook
from rsp.engine.hooks.teacher import TeacherHook
from rsp.engine.hooks.value_schedule import ValueScheduleHook
from rsp.engine.hooks.visualization import VisualizationHook
from rsp.engine.logs.report_hook import ReportHook
from rsp.engine.pixel_guard.hook import PixelGuardHook
from rsp.engine.preflight.hook import PreflightHook

__all__ = [
    'CheckpointHook',
    'HealthHook',
    'MeanOverRanksHook',
    'NonFiniteHook',
    'NumClassesHook',
    'PixelGuardHook',
    'PreflightHook',
    'ProgressHook',
    'ReconstructionHook',
    'ReportHook',
    'SceneReportHook',
    'TeacherHook',
    'ValueScheduleHook',
    'VisualizationHook',
]
