"""The comparison of old and fresh keys leaves the training alone."""

import importlib.util
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
spec = importlib.util.spec_from_file_location(
    'stale_keys', ROOT / 'tools/benchmarks/stale_keys.py'
)
stale_keys = importlib.util.module_from_spec(spec)
spec.loader.exec_module(stale_keys)


def test_parts_of_the_training_are_averaged():
    rows = [
        dict(step=n, queue_top1=n, fresh_top1=2 * n, queue_loss=3, fresh_loss=4)
        for n in range(1, 6)
    ]
    lines = stale_keys.table(rows, parts=2).splitlines()
    assert lines[2:] == [
        '| 1 to 3 | 2.0 | 4.0 | 3.00, 4.00 |',
        '| 4 to 5 | 4.5 | 9.0 | 3.00, 4.00 |',
    ]


@pytest.mark.slow
def test_keys_of_a_teacher_that_rests_have_no_age(tmp_path):
    """Two measurements; losses of the training are those without the hook."""
    from rsp.engine.train import build_runner, training_config

    losses = []
    for watched in (True, False):
        cfg = training_config(
            str(ROOT / 'configs/gersp/r18_quickstart.py'),
            work_dir=str(tmp_path / str(watched)),
            cfg_options={
                'train_cfg.max_epochs': 1,
                'model.queue.length': 192,
                'optim_wrapper.optimizer.lr': 0.0,
                'default_hooks.logger.interval': 37,
                'train_dataloader.num_workers': 0,
            },
        )
        runner = build_runner(cfg)
        if watched:
            hook = stale_keys.FreshKeysHook(interval=18)
            runner.register_hook(hook)
        runner.train()
        [log] = (tmp_path / str(watched)).glob('*/vis_data/scalars.json')
        lines = map(json.loads, log.read_text().splitlines())
        losses.append([line['loss'] for line in lines if 'loss' in line])
    assert losses[0] == losses[1]
    assert [row['step'] for row in hook.rows] == [18, 36]
    for row in hook.rows:
        assert row['queue_top1'] == row['fresh_top1']
        assert row['queue_loss'] == pytest.approx(row['fresh_loss'], abs=1e-4)
