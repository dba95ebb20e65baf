"""A classifier and its data agree about the classes, or the run does not start."""

from typing import Any

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from rsp.registry import HOOKS


@HOOKS.register_module()
class NumClassesHook(Hook):
    """Compare ``model.head.num_classes`` with the classes and labels of the data.

    Without it, a label that has no class ends a run on a GPU by a device-side assert,
    and a head with too many classes trains on without a word.
    """

    priority = 'VERY_HIGH'

    def before_train(self, runner: Runner) -> None:
        """Check training and validation data.

        Raises:
            ValueError: If the numbers of classes differ, or a label has no class.
        """
        self._check(runner, runner.train_dataloader, 'train_dataloader')
        if runner.val_loop is not None:
            self._check(runner, runner.val_dataloader, 'val_dataloader')

    def before_val(self, runner: Runner) -> None:
        """Check the data of a validation outside of training."""
        self._check(runner, runner.val_dataloader, 'val_dataloader')

    def before_test(self, runner: Runner) -> None:
        """Check the test data."""
        self._check(runner, runner.test_dataloader, 'test_dataloader')

    @staticmethod
    def _check(runner: Runner, loader: Any, key: str) -> None:
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        expected = getattr(getattr(model, 'head', None), 'num_classes', None)
        if expected is None:  # a probe has no head, and checks for itself
            return
        dataset = loader.dataset
        classes = dataset.metainfo.get('classes')
        if classes is not None and len(classes) != expected:
            raise ValueError(
                f'expected {expected} classes, as many as model.head.num_classes, got '
                f'{len(classes)} in {key}: {", ".join(classes[:5])}, ...; set '
                'model.head.num_classes (and model.data_preprocessor.num_classes '
                "where it is given) to the data's number."
            )
        labels = getattr(dataset, 'labels', None)
        if labels is None:
            return
        wrong = (labels < 0) | (labels >= expected)
        if wrong.any():
            first = int(wrong.argmax())
            raise ValueError(
                f'expected labels within 0..{expected - 1} in {key}, got '
                f"{labels[first]} for '{dataset.get_data_info(first)['img_path']}' "
                f'({wrong.sum()} such images); correct the list file, or '
                'model.head.num_classes.'
            )
