"""Write the page of a run at its end."""

from pathlib import Path

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner

from rsp.registry import HOOKS


@HOOKS.register_module()
class ReportHook(Hook):
    """Write ``report.html`` to the work dir when training ends; see docs/report.md.

    It takes a second or two. What goes wrong in it is a warning: a run that has trained
    has not failed.

    Args:
        min_records: Lines of the log below which there is no curve, and no page.
    """

    # Behind all that writes numbers or pictures at the end.
    priority = 'LOWEST'

    def __init__(self, min_records: int = 5) -> None:
        self.min_records = min_records

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
