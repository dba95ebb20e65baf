"""Log how many windows of scenes were read, rejected, and kept all the same."""

from collections.abc import Iterator
from typing import Any

from mmengine.dist import all_reduce
from mmengine.hooks import Hook
from mmengine.runner import Runner

from rsp.datasets.sampling_stats import SamplingStats
from rsp.registry import HOOKS


@HOOKS.register_module()
class SceneReportHook(Hook):
    """Log, after each epoch, how many windows ``rsp.SceneDataset`` rejected.

    Counts are those of all loader workers and all processes; they include batches that
    were loaded ahead and not used.

    Args:
        warn_above: Share of windows kept although every try was rejected, above which
            the line is a warning.
    """

    priority = 'LOW'

    def __init__(self, warn_above: float = 0.01) -> None:
        self.warn_above = warn_above
        self._before: dict[int, Any] = {}

    def before_train(self, runner: Runner) -> None:
        """Store the counts at the start, for an epoch that is resumed."""
        for dataset in counted(runner.train_dataloader.dataset):
            self._before[id(dataset)] = dataset.stats.total()

    def after_train_epoch(self, runner: Runner) -> None:
        """Log the counts of the epoch."""
        for dataset in counted(runner.train_dataloader.dataset):
            total = dataset.stats.total()
            new = total - self._before.get(id(dataset), 0)
            self._before[id(dataset)] = total
            all_reduce(new)
            counts = dict(zip(dataset.stats.names, new.tolist(), strict=True))
            line, kept = describe(counts)
            log = (
                runner.logger.warning if kept > self.warn_above else runner.logger.info
            )
            log(line)


def counted(dataset: Any) -> Iterator[Any]:
    """Yield the data sets inside a data set that count their windows."""
    if isinstance(getattr(dataset, 'stats', None), SamplingStats):
        yield dataset
        return
    inner = [getattr(dataset, 'dataset', None)]
    inner += getattr(dataset, 'sources', {}).values()
    for part in inner:
        if part is not None:
            yield from counted(part)


def describe(counts: dict[str, int]) -> tuple[str, float]:
    """Describe an epoch's windows in a line; return the share kept against the rules.

    Args:
        counts: ``windows`` read, ``kept`` against the rules, and how many were rejected
            for each other name.
    """
    reasons = {n: k for n, k in counts.items() if n not in ('windows', 'kept') and k}
    read, rejected = counts['windows'], sum(reasons.values())
    given = read - rejected + counts['kept']
    line = f'Windows: {read} read, {rejected} rejected'
    if reasons:
        line += f' ({", ".join(f"{name} {k}" for name, k in reasons.items())})'
    if counts['kept']:
        line += (
            f'; {counts["kept"]} of {given} were kept although every try was rejected: '
            'relax the rules, raise retries, or remove empty scenes'
        )
    return f'{line}.', counts['kept'] / max(given, 1)
