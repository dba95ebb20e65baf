"""Downstream tasks: exact resume, damaged checkpoints, wrong configs."""

import os

import pytest
from mmengine.registry import Registry
from small_runs import assert_same
from task_runs import TASKS, task_config, write_task_data

from rsp.cli import main
from rsp.engine.train import build_runner

pytest.importorskip('mmdet')
pytest.importorskip('mmseg')
pytestmark = [
    # mmseg about losses and outputs of the shipped configs, mmdet about its own names.
    pytest.mark.filterwarnings('ignore:Default ``avg_non_ignore`` is False'),
    pytest.mark.filterwarnings('ignore:For binary segmentation'),
    pytest.mark.filterwarnings('ignore:DeprecationWarning. `num_anchors` is'),
]


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv('LOCAL_RANK', '0')
    monkeypatch.setattr(Registry, 'build', Registry.build)
    return write_task_data(tmp_path)


def train(*args, **changes):
    runner = build_runner(task_config(*args, **changes))
    runner.train()
    return runner


@pytest.mark.parametrize(
    'task',
    [pytest.param(t, marks=[pytest.mark.slow] * (t != 'segmentation')) for t in TASKS],
)
def test_a_damaged_newest_checkpoint_is_passed_over_and_the_end_is_the_same(
    task, root, capfd
):
    """Resumed between two validations, as the newest of three files is cut off."""
    keep_all = dict(default_hooks__checkpoint__max_keep_ckpts=-1)
    keep_all |= dict(default_hooks__checkpoint__interval=3)
    whole = train(task, root, 'run', **keep_all)
    run = root / 'run'
    for name in ('iter_9.pth', 'iter_12.pth'):
        os.truncate(run / name, (run / name).stat().st_size - 1000)
    # What the best one was is of the file that is resumed.
    resumed = train(task, root, 'run', 'auto', **keep_all)
    printed = ''.join(capfd.readouterr())
    assert f"passed over: '{run / 'iter_12.pth'}' is" in printed
    assert f"going on from '{run / 'iter_6.pth'}'" in printed
    assert_same(whole, resumed)


WRONG = [
    ('classification', 'model.head.num_classes=3', 'got 2'),
    ('classification', 'default_hooks.checkpoint.save_best=acc', 'accuracy/top1'),
    ('detection', 'model.bbox_head.num_classes=4', 'got 1'),
    ('detection', 'model.neck.num_outs=2', 'FPN says'),
    ('segmentation', 'model.decode_head.num_classes=3', 'got 2'),
    ('segmentation', 'model.decode_head.norm_cfg.type=BNN', "'BN'"),
    ('segmentation', 'model.test_cfg.mode=slid', '"slide" or "whole"'),
    ('change_detection', 'model.decode_head.in_channels=33', 'got 32'),
    (
        'change_detection',
        'default_hooks.checkpoint.save_best=change/F2',
        "'change/F1'",
    ),
]


@pytest.mark.parametrize(
    ('task', 'option', 'word'), WRONG, ids=[option for _, option, _ in WRONG]
)
def test_a_wrong_config_ends_in_one_line_with_its_key(task, option, word, root):
    cfg = task_config(task, root, 'unused')
    cfg.dump(root / 'config.py')
    words = [str(root / 'config.py'), '--work-dir', str(root / 'run')]
    with pytest.raises(SystemExit) as leaving:
        main('train', argv=[*words, '--cfg-options', option])
    message = str(leaving.value.code)
    assert message.startswith('error: ')
    assert '\n' not in message
    assert option.partition('=')[0] in message
    assert word in message
