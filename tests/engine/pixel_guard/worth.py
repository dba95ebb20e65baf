"""Measure what faults of pixels cost: kNN on 13-band scenes, for docs/pixels.md.

    python tests/engine/pixel_guard/worth.py

A small ResNet-18 is pre-trained by MoCo v2 on windows of 13-band scenes; then the quick
start's labeled images, given 13 bands in the same way, are classified by their
neighbors, with right pixels and with faults in them.
"""

import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
warnings.filterwarnings('ignore')

# isort: off
import rsp  # noqa: E402, F401  registers everything, and mends torchvision
import faults  # noqa: E402
import ground  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
from mmengine.config import Config  # noqa: E402
from PIL import Image  # noqa: E402

from rsp.engine.train import build_runner  # noqa: E402
from rsp.evaluation.features import extract_features  # noqa: E402
from rsp.evaluation.knn import knn_scores  # noqa: E402
from rsp.io.configs import config_folder  # noqa: E402
# isort: on

MEAN, STD = (np.array(values)[:, None, None] for values in faults.UNITS)
STEPS = 800


def pretrain(root: Path) -> torch.nn.Module:
    """Pre-train on scenes by the shipped recipe, made small."""
    cfg = Config.fromfile(config_folder() / 'moco/r50_s2_13bands.py')
    cfg.model.backbone.update(depth=18, stem_channels=32, base_channels=32)
    cfg.model.neck.update(in_channels=256, hid_channels=256)
    cfg.model.queue_len = 1024
    cfg.data_preprocessor.update(mean=faults.UNITS[0], std=faults.UNITS[1])
    data = cfg.train_dataloader.dataset
    data.update(
        data_root=str(root / 'scenes'),
        windows=dict(type='rsp.GridWindowSampler', size=64),
    )
    # Weak augmentation, as in the quick start: at this resolution color is most of what
    # tells a forest from a lake.
    view = [
        dict(type='RandomResizedCrop', scale=32, crop_ratio_range=(0.1, 0.6)),
        dict(type='rsp.ColorJitter', brightness=0.2, contrast=0.2),
        dict(type='RandomFlip', prob=0.5, direction=['horizontal', 'vertical']),
    ]
    data.pipeline[0].transforms = [view]
    cfg.train_dataloader.update(batch_size=64, num_workers=0, persistent_workers=False)
    cfg.train_cfg = dict(type='IterBasedTrainLoop', max_iters=STEPS)
    cfg.optim_wrapper = dict(optimizer=dict(type='AdamW', lr=1e-3, weight_decay=0.05))
    cfg.param_scheduler = [
        dict(type='CosineAnnealingLR', by_epoch=False, T_max=STEPS, begin=0, end=STEPS)
    ]
    cfg.default_hooks.checkpoint = None
    cfg.auto_scale_lr = None
    cfg.update(work_dir=str(root / 'run'), log_level='WARNING')
    return build_runner(cfg).train().backbone


def labeled(part: str) -> tuple[np.ndarray, torch.Tensor]:
    """Digital numbers (N, 13, 64, 64) and classes of the quick start's images."""
    pixels, labels = [], []
    folders = sorted((ground.QUICKSTART / 'probe' / part).iterdir())
    for label, folder in enumerate(folders):
        for file in sorted(folder.glob('*.jpg')):
            pixels.append(ground.to_bands(np.asarray(Image.open(file))))
            labels.append(label)
    return np.stack(pixels), torch.tensor(labels)


def top1(backbone: torch.nn.Module, change: Callable) -> float:
    """Classify by the 20 nearest neighbors, per cent."""
    found = []
    for part in ('train', 'val'):
        pixels, labels = labeled(part)
        inputs = (change(pixels.astype(np.float64)) * 1e-4 - MEAN) / STD
        batches = zip(
            torch.from_numpy(inputs).float().split(100), labels.split(100), strict=True
        )
        found.append(extract_features(backbone, batches))
    (bank, bank_labels), (queries, labels) = found
    scores = knn_scores(bank, bank_labels, queries, int(labels.max()) + 1)
    return 100 * (scores.argmax(dim=1) == labels).double().mean().item()


EXCHANGED = [0, 1, 2, 7, 4, 5, 6, 3, 8, 9, 10, 11, 12]
FAULTS: dict[str, Callable] = {
    'right pixels': lambda x: x,
    'reflectances scaled again, x 1e-4': lambda x: x * 1e-4,
    'scale 1e-3 for 1e-4': lambda x: x * 10,
    'offset of 1000 since 2022': lambda x: x + 1000,
    'bands reversed': lambda x: x[:, ::-1].copy(),
    'red and near infrared exchanged': lambda x: x[
        :, [0, 1, 2, 7, *range(4, 7), 3, *range(8, 13)]
    ],
}


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        ground.scenes(root / 'scenes', lambda seed: ground.spectral(seed, 1024), 8)
        backbone = pretrain(root)
        print('| pixels | kNN top-1, % |\n|---|---|')
        for name, change in FAULTS.items():
            print(f'| {name} | {top1(backbone, change):.1f} |', flush=True)


if __name__ == '__main__':
    main()
