"""Running a downstream config on a small scale, the way its user does."""

import copy
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from mmengine.config import Config

from rsp.engine.test import evaluate, evaluation_config
from rsp.engine.train import build_runner, training_config
from rsp.io.configs import find_config


@pytest.fixture
def run_downstream(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., dict[str, Any]]:
    """Return a function that trains a config for two iterations and tests the result.

    It starts from the name below ``configs/downstream`` and overrides by dotted keys,
    from a pre-training checkpoint if one is given; a config that trains nothing is
    tested with that checkpoint, or with untrained weights. Returns the metrics. The
    run lies in ``tmp_path / 'run'``; relative paths of the config start in tmp_path,
    since printing a config with long ones takes seconds.
    """
    monkeypatch.chdir(tmp_path)

    def run(
        name: str,
        options: Mapping[str, Any],
        pretrained: Path | None = None,
        show_dir: str | None = None,
        iterations: int = 2,
    ) -> dict[str, Any]:
        name = f'downstream/{name}'
        checkpoint = str(pretrained or 'random')
        if Config.fromfile(find_config(name)).get('train_cfg'):
            cfg = training_config(
                name,
                no_validate=True,
                pretrained=pretrained and checkpoint,
                cfg_options=copy.deepcopy(dict(options)),
                work_dir='run',
            )
            stop_after(cfg, iterations)
            runner = build_runner(cfg)
            runner.train()
            assert runner.iter == iterations
            checkpoint = str(max(Path('run').glob('iter_*.pth')))
        cfg = evaluation_config(
            name,
            checkpoint,
            show_dir=show_dir,
            # mmengine takes marks such as `_delete_` out of what it is given.
            cfg_options=copy.deepcopy(dict(options)),
            work_dir='run',
        )
        cfg.experiment_name = 'test'
        stay_in_this_process(cfg.test_dataloader)
        return evaluate(cfg)

    return run


def stop_after(cfg: Config, iterations: int) -> None:
    """Let a training end, with a checkpoint, after so many iterations."""
    cfg.train_cfg = dict(type='IterBasedTrainLoop', max_iters=iterations)
    cfg.param_scheduler = None
    cfg.default_hooks.checkpoint = dict(
        type='CheckpointHook', by_epoch=False, interval=iterations
    )
    cfg.default_hooks.logger = dict(type='LoggerHook', interval=1)
    cfg.log_processor.by_epoch = False
    stay_in_this_process(cfg.train_dataloader)


def stay_in_this_process(loader: dict[str, Any]) -> None:
    """Load without workers."""
    loader.update(num_workers=0, persistent_workers=False)
