"""Twenty steps of every method's small config, by tools/train.py.

Four epochs of five steps, so that what changes with the epoch is in them as well.
"""

import json
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import labels
import numpy as np
import scenes
import torch
from scripts import ROOT, run_script

EPOCHS, STEPS = 4, 5
GROUPS = 8
# Of a line of the log, all but these is a number of the method.
NOT_OF_THE_METHOD = {'data_time', 'time', 'memory', 'epoch', 'iter', 'step'}


@dataclass(frozen=True)
class Run:
    """A config, and what makes it small.

    Attributes:
        config: Below configs/.
        data: Options that name a folder -> the folder, below that of the data.
        batch: Images per step; divides the length of the queue.
        options: Further overrides.
    """

    config: str
    data: dict[str, str]
    batch: int = 16
    options: dict[str, Any] = field(default_factory=dict)


SOURCE = 'train_dataloader.dataset'
CMID_DATA = {f'{SOURCE}.dataset.data_root': 'images'}
CMID_QUEUE = {'model.queue.length': 64}
RUNS = dict(
    gersp=Run(
        'gersp/r18_quickstart.py',
        {
            f'{SOURCE}.sources.remote.data_root': 'images',
            f'{SOURCE}.sources.natural.data_root': 'images',
        },
        batch=8,
        options={'model.queue.length': 64},
    ),
    cmid_resnet=Run('cmid/r18_quickstart.py', CMID_DATA, options=CMID_QUEUE),
    cmid_swin=Run('cmid/swin_mini_quickstart.py', CMID_DATA, options=CMID_QUEUE),
    cmid_vit=Run('cmid/vit_t_quickstart.py', CMID_DATA, 8, CMID_QUEUE),
    geokr=Run(
        'geokr/r18_cpu.py',
        {
            f'{SOURCE}.data_root': 'scenes',
            f'{SOURCE}.windows.file': 'labels/labels.jsonl',
        },
    ),
    # There is no small config of it.
    moco=Run(
        'moco/v2_r50_maid.py',
        {f'{SOURCE}.data_root': 'images'},
        options={
            f'{SOURCE}.data_prefix': 'remote',
            f'{SOURCE}.pipeline.0.transforms.0.0.scale': 32,
            'model.backbone.depth': 18,
            'model.neck.in_channels': 512,
            'model.queue_len': 64,
        },
    ),
)
# The same, with the published transforms themselves.
EXACT = ('gersp', 'cmid_resnet', 'geokr', 'moco')
RUNS |= {
    f'{method}_exact_pillow': replace(
        RUNS[method], options=RUNS[method].options | {'exact_pillow': True}
    )
    for method in EXACT
}


def measure(method: str, folder: Path) -> dict[str, Any]:
    """Train; give every logged number of every step, and the final weights' sums.

    Args:
        method: A key of `RUNS`.
        folder: Empty.
    """
    run = RUNS[method]
    if method.startswith('geokr'):
        _make_scenes(folder)
    else:
        _copy_images(folder / 'images', run.batch * STEPS)
    options = {
        'experiment_name': method.removesuffix('_exact_pillow'),
        'log_level': 'WARNING',
        'log_processor.window_size': 1,
        'default_hooks.logger.interval': 1,
        'default_hooks.checkpoint.interval': EPOCHS,
        'default_hooks.checkpoint.save_optimizer': False,
        'train_cfg.max_epochs': EPOCHS,
        'train_dataloader.batch_size': run.batch,
        'train_dataloader.num_workers': 0,
        **{key: folder / name for key, name in run.data.items()},
        **run.options,
    }
    run_script(
        'train.py',
        ROOT / 'configs' / run.config,
        '--work-dir',
        folder / 'run',
        '--cfg-options',
        *(f'{key}={value}' for key, value in options.items()),
    )
    state = torch.load(folder / 'run' / f'epoch_{EPOCHS}.pth', weights_only=False)
    return dict(
        steps=logged(folder / 'run'), weights=sums_of_weights(state['state_dict'])
    )


def logged(work_dir: Path) -> dict[str, list[float]]:
    """Every number of the log by name, step by step, unrounded."""
    (file,) = work_dir.glob('*/vis_data/scalars.json')
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    # Pictures write lines of their own between.
    lines = [line for line in lines if 'loss' in line]
    assert len(lines) == EPOCHS * STEPS, f'{len(lines)} steps'
    names = sorted(set(lines[0]) - NOT_OF_THE_METHOD)
    return {name: [_shortest(line[name]) for line in lines] for name in names}


def sums_of_weights(state: dict[str, torch.Tensor]) -> dict[str, Any]:
    """Tell one state from another whatever its tensors are called.

    Args:
        state: Of a whole model, its teacher and queue included.

    Returns:
        Number of floating tensors and of their elements, sums of absolute values and
        of squares; and the tensors' norms, sorted, in sums of `GROUPS` runs.
    """
    tensors = [t.double() for t in state.values() if t.is_floating_point()]
    norms = np.sort([float(tensor.norm()) for tensor in tensors])
    return dict(
        tensors=len(tensors),
        elements=sum(tensor.numel() for tensor in tensors),
        absolute=sum(float(tensor.abs().sum()) for tensor in tensors),
        squares=sum(float(tensor.square().sum()) for tensor in tensors),
        norms=[float(part.sum()) for part in np.array_split(norms, GROUPS)],
    )


def _copy_images(folder: Path, count: int) -> None:
    """Copy so many scenes and photos of the project's own, evenly over classes."""
    source = ROOT / 'data' / 'quickstart'
    for kind in ('remote', 'natural'):
        files = sorted(path for path in (source / kind).rglob('*.jpg'))
        for number in np.linspace(0, len(files) - 1, count).round().astype(int):
            target = folder / files[number].relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(files[number], target)


def _make_scenes(folder: Path) -> None:
    """Write two scenes of 40 windows each, and their labels."""
    for number in range(2):
        grid = scenes.utm_grid(288, 192, 900 * number, -500 * number)
        scenes.sentinel2(folder / 'scenes' / f'{number}.tif', grid)
    scenes.globeland30(folder / 'land_cover')
    windows = ('--crop-size', 64, '--stride', 32)
    labels.make(folder / 'scenes', folder / 'land_cover', folder / 'labels', *windows)


def _shortest(value: float) -> float:
    """The same float32 in fewer digits; what is none as it is."""
    short = np.float32(value)
    return float(str(short)) if float(short) == value else value
