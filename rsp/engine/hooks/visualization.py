"""Draw predictions beside the truth while testing."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner

from rsp.compat import visualizers_write_on_every_rank
from rsp.datasets.pixel_reading import loader_of
from rsp.datasets.transforms.load_image import LoadImageFromFile
from rsp.errors import UserError
from rsp.ops import check
from rsp.registry import HOOKS


@HOOKS.register_module()
class VisualizationHook(Hook):
    """Draw every test image with its prediction and its ground truth.

    The visualizer of the config draws, in whichever mm-project: boxes, rotated boxes,
    masks, change maps by ``add_datasample``, labels by mmpretrain's ``visualize_cls``.
    The picture of ``<folder>/<name>.<suffix>`` becomes
    ``<out_dir>/<folder>/<name>.png``. Of several processes each draws its images.

    Args:
        out_dir: Folder to write to.
        interval: Draw one image of this many, >= 1.
    """

    priority = 'NORMAL'

    def __init__(self, out_dir: str, interval: int = 1) -> None:
        check.at_least('interval', interval, 1)
        self.out_dir = Path(out_dir)
        self.interval = interval
        self._seen = 0
        self._picture = LoadImageFromFile().picture

    def before_test(self, runner: Runner) -> None:
        """Refuse a test that predicts nothing for single images."""
        if not hasattr(runner.test_loop, 'evaluator'):
            raise UserError(
                '--show-dir expects a test that predicts something for every image, '
                f'got {type(runner.test_loop).__name__}; leave it out.'
            )
        self._seen = 0
        with visualizers_write_on_every_rank():
            # mmengine names the classes to the first process only.
            dataset = runner.test_dataloader.dataset
            runner.visualizer.dataset_meta = getattr(dataset, 'metainfo', None)
        # As the test reads them, with the same stretch and bands.
        self._picture = (loader_of(dataset) or LoadImageFromFile()).picture
        runner.visualizer.picture = self._picture

    def after_test_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Sequence[Any] | None = None,
    ) -> None:
        """Draw the images of this batch that are due."""
        for sample in outputs or ():
            if self._seen % self.interval == 0:
                with visualizers_write_on_every_rank():
                    self._draw(runner.visualizer, sample)
            self._seen += 1

    def _draw(self, visualizer: Any, sample: Any) -> None:
        source = Path(sample.img_path)
        file = self.out_dir / source.parent.name / f'{source.stem}.png'
        file.parent.mkdir(parents=True, exist_ok=True)
        image = self._picture(str(source))
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
