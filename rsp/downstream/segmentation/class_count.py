"""Refusing a segmentation model that does not fit the classes of its data."""

from collections.abc import Iterator

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import nn

from rsp.registry import HOOKS


@HOOKS.register_module()
class ClassCountHook(Hook):
    """Compare the outputs of all heads with the classes of the data.

    mmseg does not: too few outputs raise in the middle of the loss, too many go
    unnoticed.

    A recipe with outputs beyond the classes says so by the config's top-level key
    ``unscored_outputs``.
    """

    def before_train(self, runner: Runner) -> None:
        """Check against the data to train on."""
        self._check(runner, runner.train_dataloader.dataset.metainfo['classes'])

    def before_test(self, runner: Runner) -> None:
        """Check against the data to test on."""
        self._check(runner, runner.test_dataloader.dataset.metainfo['classes'])

    def _check(self, runner: Runner, classes: tuple[str, ...]) -> None:
        extra = runner.cfg.get('unscored_outputs', 0)
        expected = len(classes) + extra
        for name, head in _heads(runner.model):
            if head.num_classes != expected:
                raise ValueError(
                    f'expected {expected} outputs for the {len(classes)} classes '
                    f'{", ".join(classes)} and {extra} unscored_outputs, got '
                    f'model.{name}.num_classes={head.num_classes}; change it.'
                )


def _heads(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    model = model.module if is_model_wrapper(model) else model
    for name in ('decode_head', 'auxiliary_head'):
        head = getattr(model, name, None)
        if isinstance(head, nn.ModuleList):
            yield from ((f'{name}.{i}', part) for i, part in enumerate(head))
        elif head is not None:
            yield name, head
