"""A detector and its data agree about the classes, or the run does not start."""

from typing import Any

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from rsp.registry import HOOKS


@HOOKS.register_module()
class BoxClassesHook(Hook):
    """Compare ``num_classes`` of every ``bbox_head`` with the classes of the data.

    Without it, too few end a run on a GPU by a device-side assert, and too many train
    on without a word. mmdet's NumClassCheckHook looks at training and validation only,
    and ends in a traceback.
    """

    priority = 'VERY_HIGH'

    def before_train(self, runner: Runner) -> None:
        """Check training and validation data.

        Raises:
            ValueError: If the numbers differ.
        """
        self._check(runner, runner.train_dataloader, 'train_dataloader')
        if runner.val_loop is not None:
            self._check(runner, runner.val_dataloader, 'val_dataloader')

    def before_test(self, runner: Runner) -> None:
        """Check the test data."""
        self._check(runner, runner.test_dataloader, 'test_dataloader')

    @staticmethod
    def _check(runner: Runner, loader: Any, key: str) -> None:
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        classes = loader.dataset.metainfo.get('classes') or ()
        for name, module in model.named_modules():
            number = getattr(module, 'num_classes', None)
            if name.split('.')[-1] != 'bbox_head' or number in (None, len(classes)):
                continue
            first = ', '.join(classes[:5])
            raise ValueError(
                f'expected {number} classes in {key}, as model.{name}.num_classes '
                f'says, got {len(classes)}: {first}{", ..." if classes[5:] else ""}; '
                f'set model.{name}.num_classes={len(classes)}, or metainfo.classes of '
                'the data set.'
            )
