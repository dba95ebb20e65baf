"""Compare the classes of a model with those of its data before a run starts."""

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner

from rsp.engine.distributed import unwrap_model
from rsp.errors import UserError
from rsp.ops import check
from rsp.registry import HOOKS

# Classification heads of mmpretrain, mmdet and mmrotate, and mmseg.
HEADS = ('head', 'bbox_head', 'decode_head', 'auxiliary_head')


@HOOKS.register_module()
class NumClassesHook(Hook):
    """Compare ``num_classes`` of every head with the classes and labels of the data.

    Without it, a label that has no class ends a run on a GPU by a device-side assert,
    and a head with too many classes trains on without a word. So does one whose
    validation or test data number the classes otherwise: class folders, of which one is
    spelled in another way, are sorted into another order.

    A config with outputs beyond the classes of the data says so by the config's
    top-level key ``unscored_outputs``.
    """

    priority = 'VERY_HIGH'
    # Of the data that the loaded checkpoint was trained on, where it says.
    _trained: Sequence[str] | None = None

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Store the classes of the checkpoint."""
        meta = (checkpoint.get('meta') or {}).get('dataset_meta') or {}
        self._trained = meta.get('classes')

    def before_train(self, runner: Runner) -> None:
        """Check training and validation data.

        Raises:
            UserError: If the numbers or names of classes differ, or a label has no
                class.
        """
        self._check(runner, runner.train_dataloader, 'train_dataloader')
        if runner.val_loop is not None:
            self._check(runner, runner.val_dataloader, 'val_dataloader')
            train, val = map(_classes, (runner.train_dataloader, runner.val_dataloader))
            if train and val and [*train] != [*val]:
                raise UserError(
                    f'expected the same classes to train and to validate on, '
                    f"{_difference(train, val)}; check the folders, or 'metainfo', of "
                    'train_dataloader and val_dataloader.'
                )

    def before_val(self, runner: Runner) -> None:
        """Check the data of a validation outside of training."""
        self._check(runner, runner.val_dataloader, 'val_dataloader')

    def before_test(self, runner: Runner) -> None:
        """Check the test data."""
        self._check(runner, runner.test_dataloader, 'test_dataloader')
        trained, tested = self._trained, _classes(runner.test_dataloader)
        if not (trained and tested and any(_heads(runner.model))):
            return
        if [*trained] != [*tested]:
            text = (
                'expected the classes that the checkpoint was trained on, '
                f"{_difference(trained, tested)}; check the folders, or 'metainfo', of "
                'test_dataloader.'
            )
            if {*trained} == {*tested}:
                raise UserError(text)
            # Other names may mean the same, such as 'tree' and 'trees'.
            runner.logger.warning(text)

    def _check(self, runner: Runner, loader: Any, key: str) -> None:
        dataset = loader.dataset
        classes = _classes(loader)
        extra = runner.cfg.get('unscored_outputs', 0)
        for name, outputs in _heads(runner.model):
            number = outputs - extra
            if classes is not None and len(classes) != number:
                raise UserError(
                    f'expected {number} classes, as many as model.{name}.num_classes'
                    f'{f" less {extra} unscored_outputs" if extra else ""}, got '
                    f'{len(classes)} in {key}: {", ".join(classes[:5])}'
                    f'{", ..." if classes[5:] else ""}; set model.{name}.num_classes='
                    f'{len(classes) + extra}, or metainfo.classes of the data set.'
                )
            refuse_unknown_labels(dataset, number, key)


def refuse_unknown_labels(dataset: Any, number: int, key: str) -> None:
    """Name the first image whose label has no class.

    Args:
        dataset: One with an array ``labels`` (N,) knows them beforehand.
        number: Classes there are.
        key: The loader, for the message.

    Raises:
        UserError: If there is one.
    """
    labels = getattr(dataset, 'labels', None)
    if labels is None:
        return
    wrong = (labels < 0) | (labels >= number)
    if wrong.any():
        first = int(wrong.argmax())
        raise UserError(
            f'expected labels within 0..{number - 1} in {key}, got {labels[first]} for '
            f"'{dataset.get_data_info(first)['img_path']}' ({wrong.sum()} such "
            f'images); correct the list file, or model.head.num_classes.'
            f'{check.class_folders(dataset)}'
        )


def _classes(loader: Any) -> Sequence[str] | None:
    return (getattr(loader.dataset, 'metainfo', None) or {}).get('classes')


def _difference(expected: Sequence[str], got: Sequence[str]) -> str:
    """Describe the first class number that has two names, for a message."""
    number, (old, new) = next(
        (number, names)
        for number, names in enumerate(zip_longest(expected, got))
        if names[0] != names[1]
    )
    return f"got '{new}' for class {number}, '{old}'"


def _heads(model: Any) -> Iterator[tuple[str, int]]:
    """Yield names and outputs of all classification heads; a probe has none."""
    model = unwrap_model(model)
    for name, module in model.named_modules():
        # Several heads of a kind are a list, each with a number for a name.
        kind = name.rstrip('.0123456789').rpartition('.')[-1]
        number = getattr(module, 'num_classes', None)
        if kind in HEADS and isinstance(number, int):
            yield name, number
