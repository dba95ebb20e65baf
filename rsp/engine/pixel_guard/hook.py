"""Compare the first images with what the network was set up for."""

from collections.abc import Collection, Mapping
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch.utils.data import RandomSampler, SequentialSampler

from rsp import checkpoints
from rsp.engine.distributed import unwrap_model
from rsp.engine.pixel_guard import (
    Expectation,
    Finding,
    Observation,
    expected_by,
    find_label_faults,
    find_pixel_faults,
)
from rsp.errors import UserError
from rsp.registry import HOOKS


@HOOKS.register_module()
class PixelGuardHook(Hook):
    """Warn of pixels in another scale, order or number of bands than expected.

    From the first batches, which it takes as they come, it compares what the network
    is about to see with the normalization of the config, the data set's bands, and the
    card of the backbone: scale, order and number of bands, mean and deviation, bands
    that are constant, clipped or twice there, pixel sizes, no-data, and labels of one
    class or without pixels. Each finding is one line with its remedy. What no right
    set-up looks like is refused, the rest is a warning.

    Each process looks at its own images; nothing is drawn at random, and nothing is
    loaded that the run would not load.

    Args:
        images: Number of images to look at, of each loop.
        refuse: Whether findings that are certain end the run; else all are warnings.
        ignore: Names of rules that shall be silent; every finding ends with its name.
    """

    priority = 'VERY_HIGH'

    def __init__(
        self, images: int = 64, refuse: bool = True, ignore: Collection[str] = ()
    ) -> None:
        self.images = images
        self.refuse = refuse
        self.ignore = set(ignore)
        self._card: dict[str, Any] = {}
        self._open: dict[tuple[str, str], tuple[Observation, Expectation]] = {}
        self._done: set[str] = set()

    def after_load_backbone(self, runner: Runner, report: Any) -> None:
        """Store the card of the backbone that the training starts with."""
        self._card = dict(report.card)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Store what a checkpoint tells of the pixels it was trained on."""
        self._card = checkpoints.find_card(checkpoints.Checkpoint('', checkpoint))

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None
    ) -> None:
        """Look at a training batch."""
        self._look(runner, 'train', runner.train_dataloader, data_batch)

    def after_train_epoch(self, runner: Runner) -> None:
        """Judge an epoch of fewer images."""
        self._judge(runner, 'train')

    def before_val_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None
    ) -> None:
        """Look at a validation batch."""
        self._look(runner, 'val', runner.val_dataloader, data_batch)

    def after_val_epoch(self, runner: Runner, metrics: Any = None) -> None:
        """Judge validation data of fewer images."""
        self._judge(runner, 'val')

    def before_test_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None
    ) -> None:
        """Look at a test batch."""
        self._look(runner, 'test', runner.test_dataloader, data_batch)

    def after_test_epoch(self, runner: Runner, metrics: Any = None) -> None:
        """Judge test data of fewer images."""
        self._judge(runner, 'test')

    def _look(self, runner: Runner, loop: str, loader: Any, batch: Any) -> None:
        if loop in self._done:
            return
        for source, part in _parts(batch).items():
            first = (loop, source) not in self._open
            if first:
                expected = self._expect(runner, loader, source)
                seen = Observation(expected.reverse, expected.dates)
                self._open[loop, source] = seen, expected
            seen, expected = self._open[loop, source]
            seen.add(part)
            if first:
                # What is certain is told before the first step.
                found = find_pixel_faults(seen, expected)
                certain = [f for f in found if f.certain and self.refuse]
                self._tell(runner, loop, source, certain)
        counts = [
            seen.images for (of, _), (seen, _) in self._open.items() if of == loop
        ]
        if min(counts, default=0) >= self.images:
            self._judge(runner, loop)

    def _expect(self, runner: Runner, loader: Any, source: str) -> Expectation:
        return expected_by(
            unwrap_model(runner.model),
            loader.dataset,
            self._card,
            _is_shuffled(loader),
            source,
        )

    def _judge(self, runner: Runner, loop: str) -> None:
        self._done.add(loop)
        for key in [key for key in self._open if key[0] == loop]:
            seen, expected = self._open.pop(key)
            found = find_pixel_faults(seen, expected)
            found += find_label_faults(seen, training=loop == 'train')
            self._tell(runner, *key, found)

    def _tell(
        self, runner: Runner, loop: str, source: str, found: list[Finding]
    ) -> None:
        place = f'{loop}_dataloader' + (f", source '{source}'" if source else '')
        for finding in found:
            if finding.rule in self.ignore:
                continue
            text = (
                f'{place}: {finding.text}. If it is meant: --cfg-options '
                f'"default_hooks.pixel_guard.ignore=[\'{finding.rule}\']".'
            )
            if finding.certain and self.refuse:
                raise UserError(text)
            if runner.rank == 0:
                runner.logger.warning(text)


def _parts(batch: Any) -> dict[str, Any]:
    """Return the parts of a batch that hold ``inputs``, of paired data by source."""
    if not isinstance(batch, Mapping):
        return {}
    if 'inputs' in batch:
        return {'': batch}
    # Others are told by the model: a pipeline without PackInputs.
    return {
        name: part
        for name, part in batch.items()
        if isinstance(part, Mapping) and 'inputs' in part
    }


def _is_shuffled(loader: Any) -> bool:
    sampler = loader.sampler
    if isinstance(sampler, RandomSampler):
        return True
    if isinstance(sampler, SequentialSampler):
        return False
    return getattr(sampler, 'shuffle', True)
