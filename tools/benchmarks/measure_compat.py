"""Measure a row of docs/compatibility.md, in the Python and the packages that run this.

python tools/benchmarks/measure_compat.py /tmp/row --tests tests/models tests/datasets

Of every method: two steps on the images of the repository, the backbone exported and
verified. Then a run that is resumed, and a detector of mmdet that loads the backbone.
Each is a command of its own, with its log in the folder. Ends with 1 if one failed.
"""

import argparse
import json
import os
import platform
import random
import re
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from rsp.compat import installed_versions  # noqa: E402

PHOTOS = ROOT / 'data/quickstart'
SOURCES = 'train_dataloader.dataset.sources'
LABELED = 'train_dataloader.dataset.dataset'
# Method -> (config, options that leave 16 images, two batches of eight).
METHODS = {
    'moco': ('moco/r18_quickstart.py', 'train_dataloader.dataset.indices=16'),
    'gersp': (
        'gersp/r18_quickstart.py',
        f'{SOURCES}.remote.indices=16 {SOURCES}.natural.indices=16',
    ),
    'cmid': ('cmid/r18_quickstart.py', 'train_dataloader.dataset.dataset.indices=16'),
    # Its small recipe reads GeoTIFFs, which need packages that are not measured here.
    'geokr': (
        'geokr/r50.py',
        f'checkpoint=None model.backbone.depth=18 model.classifier.widths=[512,8] '
        f'{LABELED}.data_root={PHOTOS}/remote {LABELED}.labels=labels.jsonl',
    ),
}
# Of mmdet alone: rsp is imported only for a torchvision that does not fit its torch.
DETECTOR = """
import sys
import torch
if torch.version.cuda is None:
    import rsp
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmdet.utils import register_all_modules
from mmengine.config import Config
from mmengine.structures import InstanceData
register_all_modules()
cfg = Config.fromstring("_base_ = 'mmdet::_base_/models/faster-rcnn_r50_fpn.py'", '.py')
cfg = cfg.model
cfg.backbone.update(depth=18, init_cfg=dict(
    type='Pretrained', checkpoint=sys.argv[1], prefix='backbone.'))
cfg.neck.in_channels = [64, 128, 256, 512]
model = MODELS.build(cfg)
model.init_weights()
saved = torch.load(sys.argv[1], weights_only=True)['state_dict']
loaded = model.backbone.state_dict(prefix='backbone.')
assert all(torch.equal(tensor, loaded[name]) for name, tensor in saved.items())
box, label = torch.tensor([[8., 8, 90, 60]]), torch.tensor([3])
truth = InstanceData(bboxes=box, labels=label)
sample = DetDataSample(metainfo=dict(img_shape=(128, 128), pad_shape=(128, 128)))
sample.gt_instances = truth
losses = model.loss(torch.rand(1, 3, 128, 128), [sample])
total, _ = model.parse_losses(losses)
total.backward()
assert torch.isfinite(total), losses
print(f'{len(saved)} tensors loaded, loss {total.item():.3f}')
"""


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('folder', type=Path, help='for logs and runs')
    parser.add_argument('--tests', nargs='*', default=[], help='tests to count, too')
    return parser.parse_args()


def write_labels(file: Path) -> None:
    """Write counts of land cover for 16 images; drawn, as nobody counted them."""
    from rsp.ops.fractions import LAND_COVER_CLASSES

    draw = random.Random(0)
    lines = [dict(rsp_land_cover_labels=1, scenes='.', class_map=None, rasters=[])]
    for image in sorted((PHOTOS / 'remote').glob('*.jpg'))[:16]:
        counts = {name: draw.randrange(50) for name in LAND_COVER_CLASSES}
        facts = dict(pixel_size=[10, 10], crs='EPSG:32633', date=None)
        facts |= dict(nodata=0, unknown=0, coverage=1.0)
        lines.append(
            dict(image=image.name, window=[0, 0, 64, 64], counts=counts, **facts)
        )
    file.write_text('\n'.join(map(json.dumps, lines)))


def run(folder: Path, name: str, *words: object) -> bool:
    """Run a command with this Python, print how it went, keep what it said."""
    begin = time.monotonic()
    with (folder / f'{name}.log').open('w') as log:
        environment = dict(os.environ, PYTHONPATH=str(ROOT))
        command = [sys.executable, *map(str, words)]
        done = subprocess.run(
            command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT
        )
    said = 'ok' if done.returncode == 0 else f'FAILED, see {log.name}'
    print(f'{name:16} {time.monotonic() - begin:6.0f} s  {said}', flush=True)
    return done.returncode == 0


def measure(folder: Path) -> list[bool]:
    """Run everything but tests; return what went well."""
    train, checkpoint = ROOT / 'tools/train.py', ROOT / 'tools/checkpoint.py'
    went, small = (
        [],
        ('train_dataloader.batch_size=8', 'train_dataloader.num_workers=0'),
    )
    write_labels(folder / 'labels.jsonl')
    for method, (config, options) in METHODS.items():
        words = (ROOT / 'configs' / config, '--work-dir', method, '--cfg-options')
        words += (*small, *options.split(), 'train_dataloader.persistent_workers=False')
        epochs = 'train_cfg.max_epochs='
        went += [run(folder, method, train, *words, f'{epochs}1')]
        if not went[-1]:
            continue
        saved, out = f'{method}/epoch_1.pth', f'{method}.pth'
        went += [run(folder, f'{method}-export', checkpoint, 'export', saved, out)]
        against = ('--against', f'{method}/{Path(config).name}', '--source', saved)
        went += [run(folder, f'{method}-verify', checkpoint, 'verify', out, *against)]
        if method == 'moco':
            resume = (train, *words, f'{epochs}2', '--resume')
            went += [run(folder, 'moco-resume', *resume)]
    return [*went, *detect(folder)]


def detect(folder: Path) -> list[bool]:
    """Load the backbone in a Faster R-CNN, where mmdet and mmcv's operators are."""
    try:
        import mmcv._ext  # noqa: F401
    except ImportError:
        print('detector                  left out: mmcv has no operators here')
        return []
    return [run(folder, 'detector', '-c', DETECTOR, 'moco.pth')]


def main() -> int:
    """Print versions, then a line for each command; 1 if one failed."""
    args = parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    if not (args.folder / 'data').exists():
        (args.folder / 'data').symlink_to(ROOT / 'data')
    packages = installed_versions()
    for name in ('torchvision', 'numpy', 'opencv-python', 'opencv-python-headless'):
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            continue
    print(
        f'python {platform.python_version()}',
        *map(' '.join, packages.items()),
        sep=', ',
    )
    went = measure(args.folder)
    if args.tests:
        tests = [ROOT / test for test in args.tests]
        options = (
            '-q',
            '--no-header',
            f'--rootdir={ROOT}',
            '-c',
            ROOT / 'pyproject.toml',
        )
        went += [run(args.folder, 'tests', '-m', 'pytest', *options, *tests)]
        log = (args.folder / 'tests.log').read_text()
        print(
            *re.findall(r'^(?:FAILED|ERROR) .*|^\d+ .* in .*', log, re.MULTILINE),
            sep='\n',
        )
    return int(not all(went))


if __name__ == '__main__':
    sys.exit(main())
