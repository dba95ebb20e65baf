"""Resume a run on the device and compare it with one that was not interrupted."""

from pathlib import Path
from typing import Any

import torch

from gpu_parts.pictures import write_pictures
from gpu_parts.settings import Settings, load, temporary
from rsp.checkpoints import read
from rsp.engine.train import build_runner

IMAGES, BATCH = 32, 8


def resume(settings: Settings) -> dict[str, Any]:
    """Train GeRSP for two epochs, and again with a stop after one; compare bit for bit.

    With deterministic algorithms, two loader processes and generated JPEG files.
    """
    before = torch.are_deterministic_algorithms_enabled()
    try:
        with temporary() as name:
            folder = Path(name)
            write_pictures(folder / 'data' / 'remote', IMAGES, 64)
            write_pictures(folder / 'data' / 'natural' / 'a', IMAGES, 64)
            whole = _train(folder, 'whole', 2)
            _train(folder, 'parts', 1)
            parts = _train(folder, 'parts', 2, resume=True)
    finally:
        # mmengine sets both for the process.
        torch.use_deterministic_algorithms(before)
        torch.backends.cudnn.deterministic = False
    differing = [n for n, t in whole.items() if not torch.equal(t, parts[n])]
    return dict(
        tensors=len(whole), differing=differing[:10], fits=not differing and bool(whole)
    )


def _train(
    folder: Path, name: str, epochs: int, resume: bool = False
) -> dict[str, torch.Tensor]:
    """Train up to an epoch; return the tensors of its checkpoint by name."""
    sources = 'train_dataloader__dataset__sources'
    cfg = load(
        'gersp/r18_quickstart.py',
        folder / name,
        train_dataloader__batch_size=BATCH,
        train_dataloader__num_workers=2,
        model__queue__length=2 * BATCH,
        randomness=dict(seed=0, deterministic=True),
        env_cfg__cudnn_benchmark=False,
        default_hooks__checkpoint__interval=1,
        resume=resume,
        # Of all epochs, or a run would schedule its rate by where it is to end.
        train_cfg__max_epochs=epochs,
        **{
            f'{sources}__{one}__data_root': str(folder / 'data')
            for one in ('remote', 'natural')
        },
    )
    cfg.param_scheduler = []
    build_runner(cfg).train()
    file = folder / name / f'epoch_{epochs}.pth'
    content = read(file)
    state = dict(content['state_dict'])
    for key, slots in content['optimizer']['state'].items():
        state |= {
            f'optimizer.{key}.{n}': t
            for n, t in slots.items()
            if isinstance(t, torch.Tensor)
        }
    return state
