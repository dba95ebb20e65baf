"""Class, segmentation, change and detection train, test and paint on many bands."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS, DefaultScope
from PIL import Image

from rsp import checkpoints
from rsp.engine.test import evaluate, evaluation_config
from rsp.engine.train import build_runner, training_config
from rsp.errors import UserError
from rsp.io.configs import config_folder

from .conftest import stay_in_this_process, stop_after

rasterio = pytest.importorskip('rasterio', reason="needs the 'geo' extra")
pytest.importorskip('mmseg')
import scenes  # noqa: E402

# mmseg about the losses of the published configs.
pytestmark = pytest.mark.filterwarnings('ignore:Default ``avg_non_ignore`` is False')
ROOT = config_folder().parent
SIDE = 64
PLAIN = dict(compress=None)
BACKBONE = {
    'model.backbone.depth': 18,
    'model.backbone.base_channels': 8,
    'model.backbone.stem_channels': 8,
}
WIDTHS = [8, 16, 32, 64]
SEGMENTATION = {
    'model.decode_head.in_channels': WIDTHS,
    'model.decode_head.channels': 16,
    'model.auxiliary_head.in_channels': WIDTHS[2],
    'model.auxiliary_head.channels': 16,
    'model.data_preprocessor.size': (SIDE, SIDE),
    'train_dataloader.dataset.pipeline.2.crop_size': (SIDE, SIDE),
}
CHANGE = {
    'model.decode_head.in_channels': WIDTHS[2],
    'model.decode_head.decoder_depth': 1,
}
SCENES = dict(segmentation=SEGMENTATION, change=CHANGE)


def example(name: str, bands: int | None = None) -> Path:
    """Write an example of docs/pixels.md as a file; return it."""
    page = (ROOT / 'docs/pixels.md').read_text()
    (text,) = re.findall(rf'`my_{name}\.py`.*?```python\n(.*?)```', page, re.DOTALL)
    file = Path(f'my_{name}.py')
    file.write_text(text.replace("'configs/", f"'{ROOT}/configs/"))
    return file


def write_ground(kind: str, dtype: str = 'uint16') -> None:
    """Write the data of an example, where it looks for them."""
    for number in range(4):
        grid = scenes.utm_grid(SIDE, SIDE, 640 * number, -640)
        # The generator repeats four bands.
        gain = np.linspace(0.7, 1.3, 13)[:, None, None]
        seen = (scenes.reflectance(grid, 13) * gain).astype(np.uint16)
        # Sentinel-2's band for clouds sees almost nothing of the ground.
        seen[10] //= 60
        if dtype == 'float32':
            seen = (seen / 10_000).astype(np.float32)
        cover = scenes.land_cover_at(*grid.ground()).astype(np.uint8)
        # Validated and tested on what it is trained on.
        for split in ('train', 'val', 'test'):
            if kind == 'segmentation':
                root = Path('data/mine')
                image = root / f'img_dir/{split}/{number}.tif'
                mask = root / f'ann_dir/{split}/{number}.png'
            else:
                root = Path(f'data/my_pairs/{split}')
                image, mask = root / f'A/{number}.tif', root / f'label/{number}.png'
                later = seen.copy()
                later[:, 10:40, 20:50] = seen.max()
                cover = np.zeros_like(cover)
                cover[10:40, 20:50] = 255
                scenes.write(root / f'B/{number}.tif', later, grid, **PLAIN)
            scenes.write(image, seen, grid, **PLAIN)
            mask.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(cover).save(mask)


def statistics(config: Config) -> dict[str, list[float]]:
    """Measure the images that a config trains on, as overrides of it."""
    load = config.load
    with rasterio.open(next(Path('data').rglob('0.tif'))) as file:
        bands = [
            file.read(number).astype(float) * load.reflectance.scale
            for number in load.bands
        ]
    where = 'model.data_preprocessor'
    mean, std = ([float(f(band)) for band in bands] for f in (np.mean, np.std))
    return {f'{where}.mean': mean, f'{where}.std': std}


def save_backbone(config: Config, channels: int) -> Path:
    """Write a pre-training checkpoint with a backbone of so many bands."""
    cfg = {k: v for k, v in config.model.backbone.items() if k != 'out_indices'}
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        model = MODELS.build(cfg | dict(in_channels=channels))
    state = {f'backbone.{n}': t for n, t in model.state_dict().items()}
    torch.save(dict(state_dict=state), f'pretrained_{channels}.pth')
    return Path(f'pretrained_{channels}.pth')


def start(file: Path, options: dict, pretrained: Path | None = None, **flags):
    """Build the runner of two iterations."""
    cfg = training_config(
        str(file),
        no_validate=True,
        cfg_options=options,
        work_dir='run',
        pretrained=pretrained and str(pretrained),
        **flags,
    )
    stop_after(cfg, 2)
    cfg.train_dataloader.batch_size = 2
    return build_runner(cfg)


def run_and_test(file: Path, options: dict, pretrained: Path | None, **flags) -> dict:
    runner = start(file, options, pretrained, **flags)
    runner.train()
    assert runner.iter == 2
    cfg = evaluation_config(
        str(file),
        'run/iter_2.pth',
        show_dir='pictures',
        cfg_options=options,
        work_dir='run',
    )
    stay_in_this_process(cfg.test_dataloader)
    return evaluate(cfg)


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize('dtype', ['uint16', 'float32'])
@pytest.mark.parametrize('kind', SCENES)
def test_examples_of_the_page_train_test_and_paint(kind, dtype):
    write_ground(kind, dtype)
    file, options = example(kind), BACKBONE | SCENES[kind]
    if dtype == 'float32':
        file.write_text(file.read_text().replace('scale=1e-4', 'scale=1.0'))
    cfg = Config.fromfile(file)
    options |= statistics(cfg)
    cfg.merge_from_dict(dict(options))
    bands = cfg.model.backbone.in_channels
    metrics = run_and_test(file, options, save_backbone(cfg, bands))
    report = json.loads(Path('run/load_report.json').read_text())
    assert report['percent'] == 100
    assert {'mIoU', 'change/F1'} & metrics.keys()
    pictures = sorted(Path('pictures').rglob('*.png'))
    assert [picture.name for picture in pictures] == [f'{n}.png' for n in range(4)]
    assert np.asarray(Image.open(pictures[0])).std() > 10
    # The guard would have told.
    # Two runs within a second share a log, which then lies in the other's folder.
    logs = [file.read_text() for file in Path('run').rglob('*.log')]
    assert not any('pixel_guard.ignore' in log for log in logs)


@pytest.mark.parametrize('kind', SCENES)
def test_an_rgb_backbone_is_refused_or_inflated(kind):
    write_ground(kind)
    file, options = example(kind), BACKBONE | SCENES[kind]
    cfg = Config.fromfile(file)
    cfg.merge_from_dict(dict(options))
    pretrained = save_backbone(cfg, 3)
    with pytest.raises(UserError, match='pass --inflate-stem'):
        start(file, options, pretrained).train()
    runner = start(file, options, pretrained, inflate_stem=True)
    given = torch.load(pretrained, weights_only=True)['state_dict']
    kernel = given['backbone.conv1.weight']
    runner.call_hook('before_run')
    bands = cfg.model.backbone.in_channels
    checkpoints.load_pretrained(runner.model.backbone, pretrained, inflate_stem=True)
    expected = (kernel.sum(dim=1, keepdim=True) / bands).expand(-1, bands, -1, -1)
    stem = runner.model.backbone.conv1.weight
    torch.testing.assert_close(stem.detach(), expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize('kind', SCENES)
def test_photometric_distortion_is_refused_with_what_to_take(kind):
    write_ground(kind)
    file = example(kind)
    text = file.read_text()
    jitter = "dict(type='rsp.ColorJitter', brightness=0.2, contrast=0.2)"
    assert jitter in text
    file.write_text(text.replace(jitter, "dict(type='PhotoMetricDistortion')"))
    with pytest.raises(UserError, match=r"'PhotoMetricDistortion'.*rsp\.ColorJitter"):
        start(file, BACKBONE | SCENES[kind]).train()


@pytest.mark.parametrize(
    ('kind', 'told'),
    [
        ('segmentation', r"as many bands as 'mean' .*, 13, got 12"),
        ('change', r"as many bands at 2 dates as 'mean' .*, 4, got 3"),
    ],
)
def test_another_number_of_bands_is_refused(kind, told):
    write_ground(kind)
    file = example(kind)
    text = file.read_text()
    fewer = re.sub(r'bands=\[\d+, ', 'bands=[', text, count=1)
    assert fewer != text
    file.write_text(fewer)
    silent = {'default_hooks.pixel_guard.refuse': False}
    with pytest.raises(UserError, match=told):
        start(file, BACKBONE | SCENES[kind] | silent).train()


def test_jitter_takes_black_and_white_of_both_dates():
    write_ground('change')
    from rsp.tasks.change_detection import LoadChangePair

    pairs = [(0, 0.1), (0, 0.2), (0, 0.3), (0, 0.5)]
    load = LoadChangePair(
        bands=[2, 3, 4, 8], reflectance=dict(scale=1e-4, value_range=pairs)
    )
    root = Path('data/my_pairs/train')
    sample = load(dict(img_path=str(root / 'A/0.tif'), img_path2=str(root / 'B/0.tif')))
    dates = []
    for folder in 'AB':
        with rasterio.open(root / f'{folder}/0.tif') as file:
            dates.append(file.read([2, 3, 4, 8]).transpose(1, 2, 0) * np.float32(1e-4))
    np.testing.assert_array_equal(sample['img'], np.concatenate(dates, axis=2))
    np.testing.assert_allclose(sample['value_range'], pairs * 2)


def test_dates_of_other_bands_are_named():
    write_ground('change')
    from rsp.tasks.change_detection import LoadChangePair

    other = Path('other.tif')
    grid = scenes.utm_grid(SIDE, SIDE)
    scenes.write(other, scenes.reflectance(grid, 4), grid, **PLAIN)
    sample = dict(img_path='data/my_pairs/train/A/0.tif', img_path2=str(other))
    with pytest.raises(UserError, match=r"got 13 bands in '.*0\.tif' and 4 bands in"):
        LoadChangePair(reflectance=dict(scale=1e-4))(sample)


def test_unet_compares_dates_of_13_bands():
    write_ground('change')
    file = example('change')
    text = file.read_text().replace('bit_r50_levir', 'diff-unet_r50_levir')
    text = text.replace('[2, 3, 4, 8]', '[*range(1, 14)]')
    text = text.replace('in_channels=4', 'in_channels=13')
    text = re.sub(r'(mean|std)=\[(.*?)\]', r'\1=[\2] * 3 + [0.1]', text)
    file.write_text(text)
    head = {
        'model.decode_head.in_channels': WIDTHS,
        'model.decode_head.widths': [4, 6, 8, 10],
    }
    assert 'change/F1' in run_and_test(file, BACKBONE | head, None)


@pytest.mark.filterwarnings('ignore:DeprecationWarning. `num_anchors` is')
def test_detection_trains_on_13_bands():
    pytest.importorskip('mmdet')
    images, boxes = [], []
    for number in range(4):
        grid = scenes.utm_grid(SIDE, SIDE, 640 * number, -640)
        scenes.write(
            Path(f'data/boxes/{number}.tif'), scenes.reflectance(grid, 13), grid
        )
        images.append(
            dict(id=number, file_name=f'{number}.tif', height=SIDE, width=SIDE)
        )
        boxes.append(
            dict(
                id=number,
                image_id=number,
                category_id=1,
                bbox=[10, 12, 30, 20],
                area=600,
                iscrowd=0,
            )
        )
    content = dict(images=images, annotations=boxes)
    content['categories'] = [dict(id=1, name='field')]
    Path('data/boxes.json').write_text(json.dumps(content))
    base = ROOT / 'configs/downstream/detection/retinanet_r50_dior.py'
    Path('my_detection.py').write_text(f"""
_base_ = '{base}'
load = dict(
    type='rsp.LoadGeoTiff', bands=[*range(1, 14)], reflectance=dict(scale=1e-4)
)
pipeline = [
    load,
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackDetInputs'),
]
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='rsp.CocoDetectionDataset',
        data_root='data',
        ann_file='boxes.json',
        data_prefix=dict(img='boxes'),
        metainfo=dict(classes=('field',)),
        pipeline=pipeline,
    )
)
model = dict(
    backbone=dict(in_channels=13),
    data_preprocessor=dict(
        _delete_=True,
        type='rsp.DetBandDataPreprocessor',
        mean=[0.15] * 13,
        std=[0.1] * 13,
        pad_size_divisor=32,
    ),
    bbox_head=dict(num_classes=1),
)
""")
    options = BACKBONE | {
        'model.neck.in_channels': WIDTHS,
        'model.neck.out_channels': 32,
        'model.bbox_head.in_channels': 32,
        'model.bbox_head.feat_channels': 32,
        # The statistics are not of these images.
        'default_hooks.pixel_guard.refuse': False,
    }
    runner = start(Path('my_detection.py'), options)
    runner.train()
    assert runner.iter == 2
