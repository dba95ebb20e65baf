"""List right set-ups of all tasks, and faults of pixels and labels as users make them.

Each entry makes a config from a folder in which `prepare` has written the data.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import ground
import numpy as np
import torch
from ground import DECIBELS
from mmcv.transforms import BaseTransform
from mmengine.registry import TRANSFORMS
from setups import FLIPS, IMAGENET, bands, config, scenes, shipped

MEAN, STD = ground.measured(ground.spectral)
UNITS = [m * 1e-4 for m in MEAN], [s * 1e-4 for s in STD]
PHYSICAL = dict(scale=1e-4, mean=UNITS[0], std=UNITS[1])
DN = dict(scale=1)
RGB = bands(**IMAGENET, to_rgb=True)
EUROSAT = dict(mean=[87.8, 96.9, 103.9], std=[51.6, 34.2, 29.4])


@TRANSFORMS.register_module()
class LogarithmOfRest(BaseTransform):
    """A transform of a user."""

    def transform(self, results: dict) -> dict:
        with np.errstate(all='ignore'):
            results['img'] = np.log(np.maximum(results['img'] - 1000, 0))
        return results


class Fault(NamedTuple):
    """A set-up that is wrong, and words of which the message has to hold one."""

    name: str
    make: Callable[[Path], dict]
    told: tuple[str, ...]


class Right(NamedTuple):
    name: str
    make: Callable[[Path], dict]


def times(
    factor: float, dtype: Any = None, plus: float = 0
) -> Callable[[int], np.ndarray]:
    """Draw 13-band scenes in another scale."""

    def draw(seed: int) -> np.ndarray:
        pixels = ground.spectral(seed).astype(np.float64) * factor + plus
        kind = np.dtype(dtype or np.uint16)
        if kind.kind in 'iu':
            info = np.iinfo(kind)
            pixels = pixels.clip(info.min, info.max)
        return pixels.astype(kind)

    return draw


def with_band(index: int, value: Any) -> Callable[[int], np.ndarray]:
    """Draw 13-band scenes with a band replaced: a number, or a function of it."""

    def draw(seed: int) -> np.ndarray:
        pixels = ground.spectral(seed).astype(np.float32)
        pixels[index] = value(pixels[index]) if callable(value) else value
        return pixels

    return draw


def bare(share: float) -> Callable[[int], np.ndarray]:
    """Draw scenes of which a share of the rows has no data."""

    def draw(seed: int) -> np.ndarray:
        pixels = ground.spectral(seed)
        pixels[:, : int(share * pixels.shape[1])] = 0
        return pixels

    return draw


def naip(seed: int) -> np.ndarray:
    rgb = ground.mosaic(seed).transpose(2, 0, 1)
    red = (rgb[:1].astype(float) - 87.8) / 51.6
    return np.concatenate([rgb, (red * 40 + 120).clip(1, 255).astype(np.uint8)])


def pan(seed: int) -> np.ndarray:
    return (
        ground.mosaic(seed)
        .mean(axis=2, keepdims=True)
        .transpose(2, 0, 1)
        .astype(np.uint8)
    )


def rgb8(seed: int) -> np.ndarray:
    return ground.mosaic(seed).transpose(2, 0, 1)


def gray(pixels: np.ndarray) -> np.ndarray:
    return pixels[..., :1].repeat(3, axis=2)


def prepare(root: Path) -> None:
    """Write the data that the right set-ups use."""
    ground.scenes(root / 's2', ground.spectral)
    ground.scenes(root / 's2_1', ground.spectral, pixel=1.0)
    ground.scenes(root / 's2_float', times(1e-4, np.float32))
    ground.scenes(root / 's2_wedge', bare(0.3), nodata=0)
    ground.scenes(root / 's1', ground.radar)
    ground.scenes(root / 'naip', naip, photometric='MINISBLACK')
    ground.scenes(root / 'pan', pan)
    ground.scenes(root / 'rgb', rgb8, photometric='RGB')
    ground.cover(root / 'cover')
    ground.images(root / 'images')
    ground.images(root / 'gray', gray)
    ground.spectral_images(root / 'images13')
    ground.spectral_classes(root / 'classes13', root / 'images13')
    ground.images(root / 'later', lambda p: (p * 0.8).astype(np.uint8))
    ground.masks(root / 'masks', ground.blocks((0, 1)))
    ground.masks(root / 'masks3', ground.blocks((0, 1, 2, 255)))
    ground.masks(root / 'change', ground.blocks((0, 0, 0, 255)))
    ground.coco(root)


def quickstart(name: str, **keys: Any) -> dict:
    def change(cfg: Any) -> None:
        data = cfg.train_dataloader.dataset
        inner = data.get('dataset', data)
        if 'sources' not in data:
            inner.data_root, inner.data_prefix = str(ground.QUICKSTART), 'remote'

    cfg = shipped(name, change)
    cfg['model']['data_preprocessor'] |= keys
    return cfg


def shipped_windows(name: str, where: Path) -> dict:
    """A recipe of the project on windows of scenes."""

    def change(cfg: Any) -> None:
        data = cfg.train_dataloader.dataset
        data.update(data_root=str(where), windows=64)
        if '13' in name:
            # EuroSAT keeps band 8A behind 12.
            data.bands = [1, 2, 3, 4, 5, 6, 7, 8, 13, 9, 10, 11, 12]

    cfg = shipped(name, change)
    cfg['model']['in_channels'] = len(cfg['model']['data_preprocessor']['mean'])
    return cfg


def gersp13(where: Path, **natural: Any) -> dict:
    """GeRSP's 13-band scenes beside photos, with a stem for each."""

    def change(cfg: Any) -> None:
        sources = cfg.train_dataloader.dataset.sources
        sources.remote.update(
            data_root=str(where), windows=64, bands=[*range(1, 9), 13, *range(9, 13)]
        )
        sources.natural.update(data_root=str(ground.QUICKSTART), data_prefix='natural')

    cfg = shipped('gersp/r50_s2_13bands', change)
    cfg['model'] |= dict(in_channels=13, source_stems=dict(natural=3))
    cfg['model']['data_preprocessor']['sources']['natural'] |= natural
    return cfg


def edited(cfg: dict, **arguments: Any) -> dict:
    """Change arguments of the data set of a config."""
    cfg['train_dataloader']['dataset'] |= arguments
    return cfg


def gersp(**keys: Any) -> dict:
    def change(cfg: Any) -> None:
        for source in cfg.train_dataloader.dataset.sources.values():
            source.data_root = str(ground.QUICKSTART)

    cfg = shipped('gersp/r18_quickstart', change)
    cfg['model']['data_preprocessor'] |= keys
    return cfg


def whole(**options: Any) -> dict:
    """The loader of 13-band files, as digital numbers."""
    load = dict(type='rsp.LoadGeoTiff', bands=[*range(1, 14)], reflectance=DN)
    return load | options


def classified13(root: Path, mean: Any = MEAN, std: Any = STD, **options: Any) -> dict:
    """Class folders of 13-band files."""
    data = dict(
        type='rsp.ImageFolder',
        data_root=str(root / 'classes13'),
        pipeline=[whole(**options), *FLIPS],
    )
    plain = dict(type='ClsDataPreprocessor', mean=[*mean], std=[*std])
    return config(dict(dataset=data), plain, 13)


def segmented13(root: Path, mean: Any = MEAN, std: Any = STD, **options: Any) -> dict:
    """Masks beside 13-band files."""
    cfg = segmented(root, 'images13')
    data = cfg['train_dataloader']['dataset']
    data |= dict(img_suffix='.tif', pipeline=[whole(**options), *data['pipeline'][1:]])
    plain = dict(type='rsp.SegBandDataPreprocessor', mean=[*mean], std=[*std])
    cfg['model'] |= dict(
        data_preprocessor=plain | dict(size=(128, 128)), in_channels=13
    )
    return cfg


def changed13(root: Path, mean: Any = MEAN, std: Any = STD, **options: Any) -> dict:
    """Pairs of 13-band files."""
    cfg = changed(root, first='images13', second='images13')
    load = whole(**options) | dict(type='rsp.LoadChangePair')
    data = cfg['train_dataloader']['dataset']
    data['pipeline'] = [load, *data['pipeline'][1:]]
    plain = dict(type='rsp.PairDataPreprocessor', mean=[*mean], std=[*std])
    cfg['model'] |= dict(
        data_preprocessor=plain | dict(size=(256, 256)), in_channels=13
    )
    return cfg


def folder(where: Path, preprocessor: dict | None = None, **loader: Any) -> dict:
    """Unlabeled images, two views."""
    pipeline = [
        dict(type='LoadImageFromFile'),
        dict(type='RandomResizedCrop', scale=64),
        *FLIPS,
    ]
    data = dict(
        type='rsp.ImageFolder',
        data_root=str(where),
        with_label=False,
        pipeline=pipeline,
    )
    plain = dict(type='SelfSupDataPreprocessor', **IMAGENET, to_rgb=True)
    return config(dict(dataset=data, **loader), preprocessor or plain)


def classified(
    preprocessor: dict | None = None,
    val: bool = False,
    shuffle: bool = True,
    **keys: Any,
) -> dict:
    """Scenes by class, to train and to validate."""
    load = [dict(type='LoadImageFromFile'), *FLIPS]
    data = dict(
        type='rsp.ImageFolder',
        data_root=str(ground.QUICKSTART / 'probe'),
        data_prefix='train',
        with_label=True,
        pipeline=load,
    )
    plain = dict(type='ClsDataPreprocessor', **IMAGENET, to_rgb=True) | keys
    loader = dict(dataset=data, sampler=dict(type='DefaultSampler', shuffle=shuffle))
    cfg = config(loader, preprocessor or plain)
    if val:
        cfg |= validated(dict(data, data_prefix='val'))
    return cfg


def validated(
    data: dict, scope: str = 'mmpretrain', collate: str = 'default_collate'
) -> dict:
    loader = dict(
        dataset=data,
        batch_size=16,
        num_workers=0,
        collate_fn=dict(type=collate),
        sampler=dict(type='DefaultSampler', shuffle=False),
    )
    return dict(val_dataloader=loader, val_cfg=dict(), val_evaluator=[])


def detected(
    root: Path,
    images: str = 'images',
    boxes: str = 'boxes.json',
    scope: str = 'mmdet',
    **keys: Any,
) -> dict:
    """Boxes from a COCO json."""
    pipeline = [
        dict(type='LoadImageFromFile'),
        dict(type='LoadAnnotations', with_bbox=True),
        dict(type='RandomFlip', prob=0.5),
        dict(type='PackDetInputs'),
    ]
    data = dict(
        type='rsp.CocoDetectionDataset',
        data_root=str(root),
        ann_file=boxes,
        data_prefix=dict(img=images),
        metainfo=dict(classes=('car',)),
        pipeline=pipeline,
    )
    plain = dict(type='DetDataPreprocessor', **IMAGENET, bgr_to_rgb=True) | keys
    loader = dict(dataset=data, collate_fn=dict(type='pseudo_collate'))
    return config(loader, plain, scope=scope)


def segmented(
    root: Path,
    images: str = 'images',
    masks: str = 'masks',
    classes: int = 2,
    val: str = '',
    ignored: Any = (),
    **keys: Any,
) -> dict:
    """Masks beside images."""
    pipeline = [
        dict(type='LoadImageFromFile'),
        dict(type='rsp.LoadMaskAnnotations'),
        dict(type='RandomCrop', crop_size=(128, 128)),
        dict(type='RandomFlip', prob=0.5),
        dict(type='PackSegInputs'),
    ]
    names = tuple('abcdef'[:classes])
    data = dict(
        type='rsp.MaskFolder',
        img_suffix='.png',
        data_root=str(root),
        pipeline=pipeline,
        metainfo=dict(classes=names, palette=[[9 * i] * 3 for i in range(classes)]),
        data_prefix=dict(img_path=images, seg_map_path=masks),
    )
    if ignored:
        data['ignored_values'] = ignored
    plain = (
        dict(type='SegDataPreProcessor', **IMAGENET, bgr_to_rgb=True, size=(128, 128))
        | keys
    )
    loader = dict(dataset=data, collate_fn=dict(type='pseudo_collate'))
    cfg = config(loader, plain, scope='mmseg')
    if val:
        data = dict(
            data,
            data_prefix=dict(img_path=images, seg_map_path=val),
            pipeline=[*pipeline[:2], pipeline[-1]],
        )
        cfg |= validated(data, 'mmseg', 'pseudo_collate')
    return cfg


def changed(
    root: Path,
    masks: str = 'change',
    first: str = 'images',
    second: str = 'later',
    **keys: Any,
) -> dict:
    """Pairs of dates."""
    pipeline = [
        dict(type='rsp.LoadChangePair'),
        dict(type='rsp.LoadChangeAnnotations'),
        dict(type='RandomFlip', prob=0.5),
        dict(type='PackSegInputs'),
    ]
    data = dict(
        type='rsp.ChangeDataset',
        data_root=str(root),
        pipeline=pipeline,
        data_prefix=dict(img_path=first, img_path2=second, seg_map_path=masks),
    )
    plain = dict(type='rsp.PairDataPreprocessor', size=(256, 256)) | keys
    loader = dict(dataset=data, collate_fn=dict(type='pseudo_collate'))
    return config(loader, plain, scope='mmseg')


def covered(root: Path, where: str = 's2', cover: str = 'cover', **keys: Any) -> dict:
    """GeoKR's windows with the land cover below them."""
    arguments = dict(
        channels=13,
        reflectance=PHYSICAL,
        rejection=dict(min_coverage=0.5),
        land_cover=dict(rasters=str(root / cover), class_map='worldcover'),
    )
    return scenes(root / where, **arguments | keys)


def dn(
    root: Path, where: str = 's2', mean: Any = MEAN, std: Any = STD, **keys: Any
) -> dict:
    """Digital numbers of 13 bands, normalized by the data preprocessor."""
    channels = keys.pop('channels', 13)
    return scenes(
        root / where, bands(mean, std), channels, **dict(reflectance=DN) | keys
    )


RIGHT = [
    Right(
        'MoCo v2 on image files, ImageNet statistics',
        lambda r: quickstart('moco/v2_r50_maid'),
    ),
    Right('MoCo v1 on image files', lambda r: quickstart('moco/r50_maid')),
    Right('GeRSP, scenes and photos', lambda r: gersp()),
    Right('CMID ResNet', lambda r: quickstart('cmid/r18_quickstart')),
    Right('CMID Swin', lambda r: quickstart('cmid/swin_mini_quickstart')),
    Right('CMID ViT', lambda r: quickstart('cmid/vit_t_quickstart')),
    Right(
        'classification, ImageNet statistics, train and val',
        lambda r: classified(val=True),
    ),
    Right(
        'classification, own statistics, train and val',
        lambda r: classified(val=True, **EUROSAT),
    ),
    Right(
        'classification, CLIP statistics',
        lambda r: classified(mean=[122.77, 116.75, 104.09], std=[68.5, 66.63, 70.32]),
    ),
    Right(
        'classification, 0.5 and 0.5',
        lambda r: classified(mean=[127.5] * 3, std=[127.5] * 3),
    ),
    Right(
        'classification, Caffe order',
        lambda r: classified(
            mean=[103.53, 116.28, 123.675], std=[57.375, 57.12, 58.395], to_rgb=False
        ),
    ),
    Right(
        'classification, not normalized',
        lambda r: classified(dict(type='ClsDataPreprocessor', to_rgb=True)),
    ),
    Right(
        'classification, divided by 255',
        lambda r: classified(mean=[0.0] * 3, std=[255.0] * 3),
    ),
    Right('detection, COCO', lambda r: detected(r)),
    Right('detection, not normalized', lambda r: detected(r, mean=None, std=None)),
    Right('segmentation', lambda r: segmented(r)),
    Right(
        'segmentation, three classes and ignored',
        lambda r: segmented(r, masks='masks3', classes=3, val='masks3', ignored=(255,)),
    ),
    Right('change, pixels of 0-255', lambda r: changed(r)),
    Right('change, ImageNet statistics', lambda r: changed(r, **IMAGENET)),
    Right('gray pictures', lambda r: folder(r / 'gray')),
    Right(
        'large images, own statistics',
        lambda r: folder(
            r / 'images', dict(type='SelfSupDataPreprocessor', **EUROSAT, to_rgb=True)
        ),
    ),
    Right(
        'windows, red green blue of Sentinel-2, stretched',
        lambda r: scenes(r / 's2', RGB, bands=[4, 3, 2]),
    ),
    Right(
        'windows, stretched per band',
        lambda r: scenes(r / 's2', RGB, bands=[4, 3, 2], stretch=dict(per_band=True)),
    ),
    Right(
        'windows, stretched between limits',
        lambda r: scenes(
            r / 's2', RGB, bands=[4, 3, 2], stretch=dict(limits=(0, 3000))
        ),
    ),
    Right(
        'windows, divided by 255',
        lambda r: scenes(
            r / 's2', bands([0] * 3, [255] * 3, to_rgb=True), bands=[4, 3, 2]
        ),
    ),
    Right('windows of 8-bit scenes', lambda r: scenes(r / 'rgb', RGB, stretch=None)),
    Right(
        'windows of 8-bit scenes, own statistics',
        lambda r: scenes(r / 'rgb', bands(**EUROSAT, to_rgb=True), stretch=None),
    ),
    Right(
        'windows, 13 bands, reflectance normalized',
        lambda r: scenes(r / 's2', channels=13, reflectance=PHYSICAL),
    ),
    Right(
        'windows, 13 bands, reflectance as it is',
        lambda r: scenes(r / 's2', channels=13, reflectance=dict(scale=1e-4)),
    ),
    Right('windows, 13 bands, digital numbers', lambda r: dn(r)),
    Right(
        'windows, 13 bands of float files',
        lambda r: scenes(r / 's2_float', bands(*UNITS), 13, reflectance=DN),
    ),
    Right(
        'windows, 13 bands, stretched per band',
        lambda r: scenes(r / 's2', channels=13, stretch=dict(per_band=True)),
    ),
    Right('windows with a wedge without data', lambda r: dn(r, 's2_wedge')),
    Right(
        'windows, four bands of 8 bits',
        lambda r: scenes(r / 'naip', bands(*ground.measured(naip)), 4, stretch=None),
    ),
    Right(
        'windows, color infrared of them',
        lambda r: scenes(r / 'naip', RGB, bands=[4, 1, 2], stretch=None),
    ),
    Right(
        'windows, one band',
        lambda r: scenes(r / 'pan', bands([96.0], [36.0]), 1, stretch=None),
    ),
    Right(
        'windows, two bands in decibels',
        lambda r: scenes(r / 's1', bands(*DECIBELS), 2, reflectance=DN),
    ),
    Right('GeoKR, 13 bands with land cover', lambda r: covered(r)),
    Right(
        'GeoKR, red green blue with land cover',
        lambda r: covered(
            r,
            preprocessor=bands([0] * 3, [255] * 3, to_rgb=True),
            channels=3,
            bands=[4, 3, 2],
            reflectance=None,
        ),
    ),
    Right(
        'MoCo v2, 13 bands', lambda r: shipped_windows('moco/r50_s2_13bands', r / 's2')
    ),
    Right('GeRSP, 13 bands beside photos', lambda r: gersp13(r / 's2')),
    Right('CMID, 13 bands', lambda r: shipped_windows('cmid/r50_s2_13bands', r / 's2')),
    Right('MoCo v2, radar', lambda r: shipped_windows('moco/r50_s1', r / 's1')),
    Right('classification, 13 bands', lambda r: classified13(r)),
    Right(
        'classification, 13 bands as reflectances',
        lambda r: classified13(r, *UNITS, reflectance=dict(scale=1e-4)),
    ),
    Right('segmentation, 13 bands', lambda r: segmented13(r)),
    Right('change, 13 bands', lambda r: changed13(r)),
    Right(
        'windows of a grid',
        lambda r: dn(r, windows=dict(type='rsp.GridWindowSampler', size=64)),
    ),
]


def _scene_fault(name: str, draw: Any, told: tuple[str, ...], **keys: Any) -> Fault:
    """A fault of the files, with the config for right ones."""
    options = keys.pop('options', {})

    def make(root: Path) -> dict:
        where = root / name.replace(' ', '_').replace('/', '_')
        if not where.exists():
            ground.scenes(where, draw, **options)
        return dn(root, where.name, **keys)

    return Fault(name, make, told)


def _image_fault(name: str, change: Any, told: tuple[str, ...], use: Any) -> Fault:
    """A fault of image files, met by a task."""

    def make(root: Path) -> dict:
        where = root / name.replace(' ', '_').replace(',', '').replace('/', '_')
        if not where.exists():
            ground.images(where, change)
        return use(root, where.name)

    return Fault(name, make, told)


def _mask_fault(name: str, fill: Any, told: tuple[str, ...], use: Any) -> Fault:
    def make(root: Path) -> dict:
        where = root / name.replace(' ', '_').replace(',', '')
        if not where.exists():
            ground.masks(where, fill)
        return use(root, where.name)

    return Fault(name, make, told)


def _with_card(root: Path, card: dict, cfg: dict) -> dict:
    """Start from a backbone that was trained on other pixels."""
    from setups import PixelSink

    model = PixelSink(
        dict(type='mmpretrain.ClsDataPreprocessor'), cfg['model']['in_channels']
    )
    state = {f'backbone.{n}': t for n, t in model.backbone.state_dict().items()}
    file = root / f'card_{abs(hash(str(card)))}.pth'
    torch.save(dict(state_dict=state, meta=dict(card=card)), file)
    return cfg | dict(checkpoint=str(file))


SCALE = ('scale', 'deviation')
ORDER = ('order',)
STATS = ('scale', 'deviation', 'mean')
SMALL = dict(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225])
SWAPPED = dict(mean=IMAGENET['mean'][::-1], std=IMAGENET['std'][::-1])


def _swap(values: Any, *pair: int) -> list:
    out = [*values]
    a, b = pair
    out[a], out[b] = out[b], out[a]
    return out


def _rolled(values: Any, by: int) -> list:
    return [*np.roll(values, by)]


FAULTS = [
    # Scale: statistics of 0-1 for images of 0-255, for each kind of task.
    Fault(
        'MoCo: mean and std of 0-1',
        lambda r: quickstart('moco/v2_r50_maid', **SMALL),
        SCALE,
    ),
    Fault('GeRSP: mean and std of 0-1', lambda r: gersp(**SMALL), SCALE),
    Fault(
        'CMID: mean and std of 0-1',
        lambda r: quickstart('cmid/r18_quickstart', **SMALL),
        SCALE,
    ),
    Fault('classification: mean and std of 0-1', lambda r: classified(**SMALL), SCALE),
    Fault('detection: mean and std of 0-1', lambda r: detected(r, **SMALL), SCALE),
    Fault('segmentation: mean and std of 0-1', lambda r: segmented(r, **SMALL), SCALE),
    Fault('change: mean and std of 0-1', lambda r: changed(r, **SMALL), SCALE),
    Fault(
        'windows: mean and std of 0-1',
        lambda r: scenes(r / 's2', bands(**SMALL, to_rgb=True), bands=[4, 3, 2]),
        SCALE,
    ),
    Fault(
        'GeoKR: divided by 1', lambda r: covered(r, reflectance=dict(scale=1)), SCALE
    ),
    Fault(
        'GeoKR: 8 bits divided by 65535',
        lambda r: covered(
            r,
            preprocessor=bands([0] * 3, [65535.0] * 3, to_rgb=True),
            channels=3,
            bands=[4, 3, 2],
            reflectance=None,
        ),
        SCALE,
    ),
    # Digital numbers, reflectances, and what lies between.
    Fault(
        'reflectance: scale forgotten',
        lambda r: scenes(r / 's2', channels=13, reflectance=PHYSICAL | dict(scale=1)),
        SCALE,
    ),
    Fault(
        'reflectance: scale 1e-3',
        lambda r: scenes(
            r / 's2', channels=13, reflectance=PHYSICAL | dict(scale=1e-3)
        ),
        SCALE,
    ),
    Fault(
        'reflectance: scale 1e-5',
        lambda r: scenes(
            r / 's2', channels=13, reflectance=PHYSICAL | dict(scale=1e-5)
        ),
        SCALE,
    ),
    Fault(
        'reflectance: scale 1/255',
        lambda r: scenes(
            r / 's2', channels=13, reflectance=PHYSICAL | dict(scale=1 / 255)
        ),
        SCALE,
    ),
    Fault(
        'reflectance as it is: scale forgotten',
        lambda r: scenes(r / 's2', channels=13, reflectance=dict(scale=1)),
        SCALE,
    ),
    Fault(
        'reflectance as it is: scale 1e-8',
        lambda r: scenes(r / 's2', channels=13, reflectance=dict(scale=1e-8)),
        SCALE,
    ),
    Fault(
        'statistics of digital numbers for reflectances',
        lambda r: scenes(r / 's2', bands(MEAN, STD), 13, reflectance=dict(scale=1e-4)),
        SCALE,
    ),
    Fault(
        'statistics of reflectances for digital numbers',
        lambda r: scenes(r / 's2', bands(*UNITS), 13, reflectance=DN),
        SCALE,
    ),
    Fault(
        'statistics of digital numbers for 8 bits',
        lambda r: scenes(r / 's2', bands(MEAN, STD), 13, stretch=dict(per_band=True)),
        SCALE,
    ),
    Fault(
        'float reflectances for statistics of digital numbers',
        lambda r: dn(r, 's2_float'),
        SCALE,
    ),
    Fault(
        'float reflectances scaled again',
        lambda r: scenes(r / 's2_float', channels=13, reflectance=PHYSICAL),
        SCALE,
    ),
    Fault(
        'statistics in per cent',
        lambda r: scenes(
            r / 's2',
            bands([m / 100 for m in MEAN], [s / 100 for s in STD]),
            13,
            reflectance=dict(scale=1e-4),
        ),
        SCALE,
    ),
    Fault(
        'ImageNet statistics for reflectances',
        lambda r: scenes(
            r / 's2',
            bands(**IMAGENET),
            3,
            bands=[4, 3, 2],
            reflectance=dict(scale=1e-4),
        ),
        (*SCALE, 'order'),
    ),
    Fault(
        'ImageNet statistics for digital numbers',
        lambda r: scenes(
            r / 's2', bands(**IMAGENET, to_rgb=True), 3, bands=[4, 3, 2], reflectance=DN
        ),
        SCALE,
    ),
    _scene_fault('files times 10', times(10, np.float32), SCALE),
    _scene_fault('files divided by 10', times(0.1), SCALE),
    _scene_fault('files divided by 10000', times(1e-4, np.float32), SCALE),
    _scene_fault(
        'files cut to 8 bits',
        times(1 / 256, np.uint8),
        (*SCALE, 'black', 'constant', 'values of more bits'),
    ),
    _scene_fault('files of 12 bits as 16', times(16, np.float32), SCALE),
    _scene_fault(
        'decibels for linear',
        lambda s: (10 * np.log10(ground.spectral(s))).astype(np.float32),
        STATS,
    ),
    Fault(
        'linear radar for decibels',
        lambda r: _write_then(
            r,
            's1_linear',
            lambda s: (10 ** (ground.radar(s) / 10)).astype(np.float32),
            lambda: scenes(r / 's1_linear', bands(*DECIBELS), 2, reflectance=DN),
        ),
        STATS,
    ),
    _scene_fault('one band in another unit', with_band(9, lambda b: b * 100), SCALE),
    _scene_fault('one band times 10', with_band(6, lambda b: b * 10), SCALE),
    _scene_fault('one band divided by 10000', with_band(3, lambda b: b / 10000), SCALE),
    _scene_fault('thermal band in Kelvin', with_band(9, lambda b: 290 + b / 5), SCALE),
    # Mean and deviation.
    _scene_fault('offset of 1000 since 2022', times(1, plus=1000), STATS),
    Fault(
        'offset of 1000 in the statistics',
        lambda r: dn(r, mean=[m + 1000 for m in MEAN]),
        STATS,
    ),
    Fault('mean and std swapped', lambda r: dn(r, mean=STD, std=MEAN), STATS),
    Fault('variance for std', lambda r: dn(r, std=[s * s for s in STD]), STATS),
    Fault('std of 1', lambda r: dn(r, std=[1] * 13), STATS),
    Fault(
        'mean of 0 with std',
        lambda r: scenes(r / 's2', bands([1e-9] * 13, STD), 13, reflectance=DN),
        STATS,
    ),
    Fault(
        'statistics of Landsat for Sentinel-2',
        lambda r: dn(r, mean=[m * 7 + 7000 for m in MEAN], std=[s * 7 for s in STD]),
        STATS,
    ),
    Fault(
        'own statistics of another data set',
        lambda r: classified(mean=[20.0, 25.0, 18.0], std=[12.0, 11.0, 10.0]),
        STATS,
    ),
    Fault(
        'classification: variance for std',
        lambda r: classified(
            mean=IMAGENET['mean'], std=[s * s for s in IMAGENET['std']]
        ),
        STATS,
    ),
    Fault('segmentation: std in 0-1', lambda r: segmented(r, std=SMALL['std']), STATS),
    # Order of bands.
    Fault('MoCo: BGR', lambda r: quickstart('moco/v2_r50_maid', to_rgb=False), ORDER),
    Fault('GeRSP: BGR', lambda r: gersp(to_rgb=False), ORDER),
    Fault('classification: BGR', lambda r: classified(to_rgb=False), ORDER),
    Fault(
        'classification: own statistics, BGR',
        lambda r: classified(**EUROSAT, to_rgb=False),
        ORDER,
    ),
    Fault(
        'classification: Caffe statistics, RGB', lambda r: classified(**SWAPPED), ORDER
    ),
    Fault('detection: BGR', lambda r: detected(r, bgr_to_rgb=False), ORDER),
    Fault('detection: Caffe statistics, RGB', lambda r: detected(r, **SWAPPED), ORDER),
    Fault('segmentation: BGR', lambda r: segmented(r, bgr_to_rgb=False), ORDER),
    Fault('change: Caffe statistics', lambda r: changed(r, **SWAPPED), ORDER),
    Fault(
        'windows: BGR',
        lambda r: scenes(r / 's2', bands(**IMAGENET), bands=[4, 3, 2]),
        ORDER,
    ),
    Fault(
        'windows: blue, green, red chosen, own statistics',
        lambda r: scenes(
            r / 's2',
            bands(MEAN[3:0:-1], STD[3:0:-1], to_rgb=True),
            bands=[2, 3, 4],
            reflectance=DN,
        ),
        ORDER,
    ),
    Fault(
        'windows: bands 1, 2, 3, statistics of 4, 3, 2',
        lambda r: scenes(
            r / 's2',
            bands(MEAN[3:0:-1], STD[3:0:-1], to_rgb=True),
            bands=[1, 2, 3],
            reflectance=DN,
        ),
        STATS + ORDER,
    ),
    Fault(
        '13 bands: statistics reversed',
        lambda r: dn(r, mean=MEAN[::-1], std=STD[::-1]),
        ORDER,
    ),
    Fault(
        '13 bands: bands reversed', lambda r: dn(r, bands=[*range(13, 0, -1)]), ORDER
    ),
    Fault(
        '13 bands: 8A behind 12, as some tools write',
        lambda r: dn(r, bands=[1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 9]),
        ORDER + SCALE,
    ),
    Fault(
        '13 bands: red and near infrared exchanged',
        lambda r: dn(r, bands=_swap(range(1, 14), 3, 7)),
        ORDER + SCALE,
    ),
    Fault(
        '13 bands: shifted by one',
        lambda r: dn(r, bands=_rolled(range(1, 14), 1)),
        ORDER,
    ),
    Fault(
        '13 bands: shifted back by one',
        lambda r: dn(r, bands=_rolled(range(1, 14), -1)),
        ORDER,
    ),
    Fault(
        '13 bands: normalized by the data set, reversed',
        lambda r: scenes(
            r / 's2', channels=13, reflectance=PHYSICAL, bands=[*range(13, 0, -1)]
        ),
        ORDER,
    ),
    Fault(
        'radar: VH before VV',
        lambda r: scenes(r / 's1', bands(*DECIBELS), 2, reflectance=DN, bands=[2, 1]),
        ORDER + STATS,
    ),
    Fault(
        'near infrared first, statistics of red first',
        lambda r: scenes(
            r / 's2',
            bands(
                (MEAN[3], MEAN[2], MEAN[1], MEAN[7]), (STD[3], STD[2], STD[1], STD[7])
            ),
            4,
            reflectance=DN,
            bands=[8, 4, 3, 2],
        ),
        ORDER + SCALE,
    ),
    Fault(
        'GeRSP, 13 bands: photos as reflectances',
        lambda r: gersp13(r / 's2', **SMALL),
        SCALE,
    ),
    Fault(
        'GeRSP, 13 bands: photos as BGR',
        lambda r: gersp13(r / 's2', to_rgb=False),
        ORDER,
    ),
    Fault(
        'MoCo v2, 13 bands: as digital numbers',
        lambda r: edited(
            shipped_windows('moco/r50_s2_13bands', r / 's2'),
            reflectance=dict(scale=1, value_range=(0, 10000)),
        ),
        SCALE,
    ),
    Fault(
        'MoCo v2, 13 bands: 8A behind 12, as EuroSAT has it',
        lambda r: edited(
            shipped_windows('moco/r50_s2_13bands', r / 's2'), bands=[*range(1, 14)]
        ),
        ORDER,
    ),
    Fault(
        'MoCo v2, 13 bands: reversed',
        lambda r: edited(
            shipped_windows('moco/r50_s2_13bands', r / 's2'),
            bands=[*range(13, 0, -1)],
        ),
        ORDER,
    ),
    Fault(
        'classification, 13 bands: scaled, statistics of digital numbers',
        lambda r: classified13(r, reflectance=dict(scale=1e-4)),
        SCALE,
    ),
    Fault(
        'segmentation, 13 bands: scale 1e-3',
        lambda r: segmented13(r, *UNITS, reflectance=dict(scale=1e-3)),
        SCALE,
    ),
    Fault(
        'change, 13 bands: not scaled, statistics of reflectances',
        lambda r: changed13(r, *UNITS),
        SCALE,
    ),
    Fault(
        'classification, 13 bands: 8A behind 12, as EuroSAT has it',
        lambda r: classified13(r, bands=[*range(1, 9), *range(10, 14), 9]),
        ORDER + SCALE,
    ),
    Fault(
        'change, 13 bands: reversed',
        lambda r: changed13(r, bands=[*range(13, 0, -1)]),
        ORDER,
    ),
    # Number of bands.
    Fault(
        '13 bands into a stem of 3',
        lambda r: scenes(r / 's2', channels=3, reflectance=PHYSICAL),
        ('bands',),
    ),
    Fault(
        '3 bands into a stem of 13',
        lambda r: scenes(r / 's2', channels=13, bands=[4, 3, 2]),
        ('bands',),
    ),
    Fault(
        '4 bands, statistics of 3',
        lambda r: scenes(r / 'naip', RGB, 4, stretch=None),
        ('bands',),
    ),
    Fault('12 bands of 13', lambda r: dn(r, bands=[*range(1, 13)]), ('bands',)),
    Fault(
        'one band into a stem of 3',
        lambda r: scenes(r / 'pan', channels=3, stretch=None),
        ('bands',),
    ),
    # Content.
    _scene_fault('a band of zeros', with_band(10, 0), ('one value', 'constant')),
    _scene_fault('a band of ones', with_band(2, 1), ('one value', 'constant')),
    _scene_fault(
        'a band of no-data values', with_band(5, -9999), ('one value', 'constant')
    ),
    _scene_fault(
        'a band of NaN', with_band(4, np.nan), ('finite', 'NaN', 'one value', 'no data')
    ),
    Fault(
        'a transform that takes the logarithm of 0',
        lambda r: scenes(
            r / 's2',
            channels=13,
            reflectance=DN,
            pipeline=[dict(type='LogarithmOfRest'), *FLIPS],
        ),
        ('finite',),
    ),
    Fault(
        'std of 0 in a band',
        lambda r: dn(r, std=[*STD[:9], 0.0, *STD[10:]]),
        ('deviation', 'std'),
    ),
    Fault(
        'a band twice',
        lambda r: dn(r, bands=[1, 2, 2, *range(4, 14)]),
        ('same pixels', 'order', 'scale'),
    ),
    Fault(
        'one band three times',
        lambda r: scenes(r / 's2', RGB, bands=[3, 3, 3]),
        ('same pixels',),
    ),
    _image_fault(
        'four fifths of every image black',
        lambda p: np.concatenate([p[:50], p[50:] * 0]),
        ('without data',),
        lambda r, n: segmented(r, n),
    ),
    Fault(
        'all images black',
        lambda r: _images_then(
            r, 'black', lambda p: p * 0, lambda: folder(r / 'black')
        ),
        ('content', '0 everywhere'),
    ),
    Fault(
        'detection: black images',
        lambda r: _images_then(
            r, 'black', lambda p: p * 0, lambda: detected(r, 'black')
        ),
        ('content', '0 everywhere'),
    ),
    Fault(
        'segmentation: black images',
        lambda r: _images_then(
            r, 'black', lambda p: p * 0, lambda: segmented(r, 'black')
        ),
        ('content', '0 everywhere'),
    ),
    _image_fault(
        'MoCo, 16 bits cut to 8',
        lambda p: (p / 16).astype(np.uint8),
        ('largest value', 'scale'),
        lambda r, n: folder(r / n),
    ),
    _image_fault(
        'detection, 16 bits cut to 8',
        lambda p: (p / 16).astype(np.uint8),
        ('largest value', 'scale'),
        lambda r, n: detected(r, n),
    ),
    _image_fault(
        'segmentation, 16 bits cut to 8',
        lambda p: (p / 16).astype(np.uint8),
        ('largest value', 'scale'),
        lambda r, n: segmented(r, n),
    ),
    _image_fault(
        'change, 16 bits cut to 8',
        lambda p: (p / 16).astype(np.uint8),
        ('largest value', 'scale'),
        lambda r, n: changed(r, first=n, second=n),
    ),
    _image_fault(
        'images clipped to white',
        lambda p: (p.astype(int) * 8).clip(0, 255).astype(np.uint8),
        ('clipped', 'scale', 'mean'),
        lambda r, n: folder(r / n),
    ),
    Fault(
        'windows stretched between 0 and 255',
        lambda r: scenes(r / 's2', RGB, bands=[4, 3, 2], stretch=dict(limits=(0, 255))),
        ('clipped', 'one value'),
    ),
    Fault(
        'windows stretched between 0 and 65535',
        lambda r: scenes(
            r / 's2', RGB, bands=[4, 3, 2], stretch=dict(limits=(0, 65535))
        ),
        ('largest value', 'scale'),
    ),
    # Labels.
    _mask_fault(
        'masks of zeros',
        ground.blocks((0,)),
        ('masks',),
        lambda r, n: segmented(r, masks=n),
    ),
    _mask_fault(
        'masks of one class',
        ground.blocks((1,)),
        ('masks',),
        lambda r, n: segmented(r, masks=n),
    ),
    _mask_fault(
        'masks ignored everywhere',
        ground.blocks((255,)),
        ('masks',),
        lambda r, n: segmented(r, masks=n, ignored=(255,)),
    ),
    _mask_fault(
        'change, nothing changes',
        ground.blocks((0,)),
        ('masks',),
        lambda r, n: changed(r, masks=n),
    ),
    _mask_fault(
        'validation masks of zeros',
        ground.blocks((0,)),
        ('masks',),
        lambda r, n: segmented(r, val=n),
    ),
    Fault(
        'training data by class, not shuffled',
        lambda r: classified(shuffle=False),
        ('class',),
    ),
    Fault('land cover of one class', lambda r: _cover_then(r), ('land cover', 'class')),
    # Pixel size, and what the backbone was trained on.
    Fault(
        'scenes of 1 and of 10 m',
        lambda r: scenes(
            [*map(str, [*(r / 's2').glob('*.tif'), *(r / 's2_1').glob('*.tif')])],
            channels=13,
            reflectance=PHYSICAL,
        ),
        ('pixel size', 'm;'),
    ),
    Fault(
        'card: trained on BGR',
        lambda r: _with_card(
            r, dict(normalization=IMAGENET | dict(to_rgb=False)), classified()
        ),
        ORDER,
    ),
    Fault(
        'card: trained on other statistics',
        lambda r: _with_card(
            r, dict(normalization=EUROSAT | dict(to_rgb=True)), classified()
        ),
        ('normalization',),
    ),
    Fault(
        'card: trained on 1 m',
        lambda r: _with_card(
            r, dict(pixel_size=1.0), scenes(r / 's2', channels=13, reflectance=PHYSICAL)
        ),
        ('pixel', '10 m'),
    ),
]


def _write_then(root: Path, name: str, draw: Any, use: Callable[[], dict]) -> dict:
    if not (root / name).exists():
        ground.scenes(root / name, draw)
    return use()


def _images_then(root: Path, name: str, change: Any, use: Callable[[], dict]) -> dict:
    if not (root / name).exists():
        ground.images(root / name, change)
    return use()


def _cover_then(root: Path) -> dict:
    if not (root / 'one_class').exists():
        ground.cover(root / 'one_class', constant=10)
    return covered(root, cover='one_class')
