from types import SimpleNamespace

import pytest

from rsp.datasets import SeededDataset
from rsp.datasets.sampling_stats import SamplingStats
from rsp.engine.hooks.scene_report import SceneReportHook, counted, describe


class Log:
    def __init__(self):
        self.lines = []

    def info(self, line):
        self.lines.append(('info', line))

    def warning(self, line):
        self.lines.append(('warning', line))


def dataset():
    return SimpleNamespace(stats=SamplingStats(('windows', 'dark', 'cloud', 'kept')))


def add(data, **counts):
    for name, times in counts.items():
        for _ in range(times):
            data.stats.add(name)


def test_each_epoch_reports_its_own_counts():
    data, log = dataset(), Log()
    runner = SimpleNamespace(
        logger=log, train_dataloader=SimpleNamespace(dataset=SeededDataset(data))
    )
    hook = SceneReportHook(warn_above=0.2)
    add(data, windows=5)
    hook.before_train(runner)
    add(data, windows=12, dark=2)
    hook.after_train_epoch(runner)
    add(data, windows=20, dark=7, cloud=3, kept=5)
    hook.after_train_epoch(runner)
    assert log.lines == [
        ('info', 'Windows: 12 read, 2 rejected (dark 2).'),
        (
            'warning',
            'Windows: 20 read, 10 rejected (dark 7, cloud 3); 5 of 15 were kept '
            'although every try was rejected: relax the rules, raise retries, or '
            'remove empty scenes.',
        ),
    ]


def test_the_share_kept_is_of_the_windows_given():
    assert describe(dict(windows=20, dark=10, kept=5))[1] == pytest.approx(1 / 3)
    assert describe(dict(windows=0, dark=0, kept=0)) == (
        'Windows: 0 read, 0 rejected.',
        0,
    )


def test_sources_are_looked_into():
    data, other = dataset(), dataset()
    pairs = SimpleNamespace(
        sources=dict(remote=SimpleNamespace(dataset=data), natural=[1], more=other)
    )
    assert list(counted(pairs)) == [data, other]
    assert list(counted([1, 2])) == []
