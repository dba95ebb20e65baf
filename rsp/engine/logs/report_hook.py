"""Write the page of a run at its end."""

from pathlib import Path
from typing import Any

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner

from rsp.engine.distributed import unwrap_model
from rsp.engine.logs.first_views import FirstViews
from rsp.ops import check
from rsp.registry import HOOKS


@HOOKS.register_module()
class ReportHook(Hook):
    """Write ``report.html`` to the work dir when training ends; see docs/report.md.

    From the first batch it keeps a small picture of the views that the model was given.
    It takes a second or two. What goes wrong in it is a warning: a run that has trained
    has not failed.

    Args:
        min_records: Lines of the log below which there is no curve, and no page.
        views: Scenes of the first batch whose views are kept; 0 keeps none.
    """

    # Behind all that writes numbers or pictures at the end.
    priority = 'LOWEST'

    def __init__(self, min_records: int = 5, views: int = 8) -> None:
        check.at_least("'views' of rsp.ReportHook", views, 0)
        self.min_records, self.views = min_records, views
        self._first: FirstViews | None = None

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None
    ) -> None:
        """Look at the first batch on its way to the model, in the first process."""
        preprocessor = getattr(unwrap_model(runner.model), 'data_preprocessor', None)
        if self.views and preprocessor is not None and is_main_process():
            self._first = FirstViews(preprocessor, self.views)
        self.views = 0

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Any = None,
    ) -> None:
        """Draw the views of the first batch, once."""
        if self._first is None:
            return
        first, self._first = self._first, None
        try:
            for name, picture in first.draw(runner.cfg.get('bands')):
                runner.visualizer.add_image(name, picture, step=runner.iter + 1)
        except Exception as error:  # A picture is no reason to end a run.
            runner.logger.warning(
                'The views of the first batch could not be drawn '
                f'({type(error).__name__}: {error}).'
            )

    def after_train(self, runner: Runner) -> None:
        """Write the page, in the first of several processes."""
        if not is_main_process():
            return
        log = Path(runner._log_dir, 'vis_data', 'scalars.json')
        if not log.is_file() or log.read_bytes().count(b'\n') < self.min_records:
            return
        try:
            # Its libraries load when they are needed, once.
            from rsp.engine.report.render import write_report

            page = write_report([runner.work_dir])
        except Exception as error:  # Whatever it is, the run is done.
            runner.logger.warning(
                f'The report of this run could not be written ({type(error).__name__}: '
                f"{error}). All else is there; try: rsp report '{runner.work_dir}'."
            )
        else:
            runner.logger.info(f'Report: {page}')
