"""Pictures of predictions beside the truth."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mmcv
import mmengine.dist.utils
from mmengine.hooks import Hook
from mmengine.runner import Runner

from rsp.errors import UserError
from rsp.registry import HOOKS


@HOOKS.register_module()
class PicturesHook(Hook):
    """Paint every test image with what was predicted and what is true.

    The visualizer of the config does the painting, in whichever mm-project: boxes,
    rotated boxes, masks, change maps by ``add_datasample``, labels by mmpretrain's
    ``visualize_cls``. The picture of ``<folder>/<name>.<suffix>`` becomes
    ``<out_dir>/<folder>/<name>.png``. Of several processes each paints its images.

    Args:
        out_dir: Folder to write to.
        interval: Paint one image of this many.
    """

    priority = 'NORMAL'

    def __init__(self, out_dir: str, interval: int = 1) -> None:
        if interval < 1:
            raise UserError(f'expected an interval of at least 1, got {interval}.')
        self.out_dir = Path(out_dir)
        self.interval = interval
        self._seen = 0

    def before_test(self, runner: Runner) -> None:
        """Refuse a test that predicts nothing for single images."""
        if not hasattr(runner.test_loop, 'evaluator'):
            raise UserError(
                '--show-dir expects a test that predicts something for every image, '
                f'got {type(runner.test_loop).__name__}; leave it out.'
            )
        self._seen = 0
        with _as_in_the_first_process():
            # mmengine names the classes to the first process only.
            runner.visualizer.dataset_meta = getattr(
                runner.test_dataloader.dataset, 'metainfo', None
            )

    def after_test_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Sequence[Any] | None = None,
    ) -> None:
        """Paint the images of this batch that are due."""
        for sample in outputs or ():
            if self._seen % self.interval == 0:
                with _as_in_the_first_process():
                    self._paint(runner.visualizer, sample)
            self._seen += 1

    def _paint(self, visualizer: Any, sample: Any) -> None:
        source = Path(sample.img_path)
        file = self.out_dir / source.parent.name / f'{source.stem}.png'
        file.parent.mkdir(parents=True, exist_ok=True)
        image = mmcv.imread(str(source), channel_order='rgb')
        if hasattr(visualizer, 'visualize_cls'):
            visualizer.visualize_cls(image, sample, resize=256, out_file=str(file))
            return
        visualizer.add_datasample(
            source.stem,
            image,
            data_sample=sample,
            draw_gt=True,
            draw_pred=True,
            show=False,
            out_file=str(file),
        )


@contextmanager
def _as_in_the_first_process() -> Iterator[None]:
    """Let a visualizer work in every process.

    Those of all mm-projects are silent in all but the first one, which sees a share of
    the images only: half of them with two processes.
    """
    utils = mmengine.dist.utils
    asked = utils.is_main_process
    utils.is_main_process = lambda group=None: True
    try:
        yield
    finally:
        utils.is_main_process = asked
