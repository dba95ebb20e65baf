"""Short runs of whole methods."""

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

from mmengine.config import Config
from mmengine.registry import RUNNERS
from mmengine.runner import Runner


def small_run(root: Path, **parts: Any) -> Config:
    """A config that logs every step and keeps every epoch, below ``root``."""
    return Config(
        dict(
            default_scope='mmpretrain',
            runner_type='rsp.PortableRunner',
            work_dir=f'{root}/run',
            default_hooks=dict(
                logger=dict(type='LoggerHook', interval=1),
                checkpoint=dict(type='CheckpointHook', interval=1),
            ),
            visualizer=dict(
                type='UniversalVisualizer', vis_backends=[dict(type='LocalVisBackend')]
            ),
            randomness=dict(seed=3),
            log_level='WARNING',
        )
        | parts
    )


def build(cfg: Config, name: str | None = None) -> Runner:
    """A runner of a name of its own: what mmengine keeps by name outlives it."""
    cfg.experiment_name = name or uuid4().hex
    return RUNNERS.build(cfg)


def train(cfg: Config) -> Runner:
    """Train to the end."""
    runner = build(cfg)
    runner.train()
    return runner


def logged(cfg: Config) -> list[dict]:
    """The steps as they were logged; pictures write lines of their own between."""
    files = sorted(Path(cfg.work_dir).glob('*/vis_data/scalars.json'))
    lines = [json.loads(line) for f in files for line in f.read_text().splitlines()]
    return [line for line in lines if 'loss' in line]
