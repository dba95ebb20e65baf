"""All methods train a few steps straight from GeoTIFFs, through the real runner."""

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest

from .conftest import build, small_run

pytest.importorskip('rasterio', reason="needs the 'geo' extra")


PACK = dict(type='PackInputs')
BACKBONE = dict(depth=18, stem_channels=8, base_channels=4)
HEAD = dict(type='ContrastiveHead', loss=dict(type='CrossEntropyLoss'), temperature=0.2)
RGB = dict(mean=[120.0] * 3, std=[60.0] * 3, to_rgb=True)


@pytest.fixture
def folder(write_scene, tmp_path):
    """Four scenes of five bands in 16 bits, of other layouts."""
    rng = np.random.default_rng(0)
    layouts = [{}, dict(tiled=True, compress='deflate'), dict(compress='lzw'), {}]
    for n, layout in enumerate(layouts):
        pixels = rng.normal(1500, 400, (5, 150 + 20 * n, 180)).clip(1)
        write_scene(f's/{n}.tif', pixels=pixels.astype(np.uint16), **layout)
    return tmp_path / 's'


def train(model, dataset, collate, tmp_path, hooks=()):
    """Three steps of four items; the log's numbers and text."""
    cfg = small_run(
        tmp_path,
        model=model,
        train_dataloader=dict(
            batch_size=4,
            num_workers=0,
            sampler=dict(type='rsp.PairedSampler'),
            batch_sampler=dict(type='rsp.PairedBatchSampler', drop_last=True),
            collate_fn=dict(type=collate),
            dataset=dataset,
        ),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.01)),
        train_cfg=dict(by_epoch=True, max_epochs=1),
        custom_hooks=[dict(type='rsp.SceneReportHook'), *hooks],
        log_level='INFO',
    )
    build(cfg).train()
    (file,) = Path(cfg.work_dir).glob('*/vis_data/scalars.json')
    values = [json.loads(line) for line in file.read_text().splitlines()]
    assert len(values) == 3
    assert all(math.isfinite(step['loss']) for step in values)
    (log,) = Path(cfg.work_dir).glob('*/*.log')
    return values, log.read_text()


def scenes(folder, pipeline, windows=None, **options):
    return dict(
        type='rsp.SceneDataset',
        data_root=str(folder),
        windows=windows or dict(size=64, length=12),
        pipeline=[*pipeline, PACK],
        **options,
    )


def test_gersp_with_views_that_share_ground(folder, tmp_path, write_images):
    photos = write_images('p', [f'{c}/{n}.png' for c in 'ab' for n in range(3)])
    views = [
        [
            dict(type='rsp.CropToBox', view=view, size=32),
            dict(type='RandomFlip', prob=0.5),
        ]
        for view in range(2)
    ]
    remote = scenes(
        folder,
        [
            dict(type='rsp.SampleOverlappingBoxes', least=0.3),
            dict(type='MultiView', num_views=[1, 1], transforms=views),
        ],
        dict(size=64, length=12, max_per_scene=2),
        bands=(3, 2, 1),
        rejection=dict(rules=True),
    )
    natural = dict(
        type='rsp.ImageFolder',
        data_root=str(photos),
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(type='RandomResizedCrop', scale=32),
            PACK,
        ],
    )
    model = dict(
        type='rsp.GeRSP',
        backbone=dict(type='ResNet', **BACKBONE),
        neck=dict(type='rsp.Projector', widths=[32, 16, 6]),
        head=HEAD,
        sup_head=dict(type='rsp.ClassificationHead', num_classes=2, in_channels=32),
        queue=dict(dim=6, length=8),
        data_preprocessor=dict(type='rsp.PairedDataPreprocessor', **RGB),
    )
    sources = dict(remote=remote, natural=natural)
    _, log = train(
        model,
        dict(type='rsp.PairedDataset', sources=sources),
        'rsp.paired_collate',
        tmp_path,
    )
    assert re.search(r'Windows: 1\d read, \d rejected', log)


def test_cmid_with_views_that_share_ground(folder, tmp_path):
    """The positions are those of the boxes; SimMIM's decoder has 3 bands."""
    located = dict(
        type='rsp.MaskedTwoCrop',
        size=64,
        mask_patch_size=16,
        transforms=[[], [dict(type='rsp.GaussianNoise')]],
        resize_first=False,
    )
    dataset = scenes(
        folder,
        [dict(type='rsp.SampleOverlappingBoxes', least=0.5), located],
        dict(size=64, length=12, max_per_scene=1),
        bands=(5, 3, 2),
    )
    dataset['pipeline'][-1] = dict(PACK, algorithm_keys=['masks', 'positions'])
    model = dict(
        type='rsp.CMID',
        backbone=dict(type='rsp.MaskedResNet', **BACKBONE),
        reconstruction=dict(
            type='rsp.ReconstructionHead',
            decoder=dict(
                type='SimMIMLinearDecoder',
                in_channels=32,
                encoder_stride=32,
            ),
        ),
        neck=dict(type='rsp.Projector', widths=[32, 16, 6]),
        head=HEAD,
        queue=dict(dim=6, length=16),
        local_neck=dict(
            type='rsp.PrototypeNeck',
            in_channels=32,
            hidden_channels=8,
            out_channels=4,
            num_prototypes=9,
        ),
        local_head=dict(type='rsp.SelfDistillationHead', num_prototypes=9),
        num_matches=2,
        data_preprocessor=dict(type='rsp.BandDataPreprocessor', **RGB),
    )
    values, _ = train(
        model, dataset, 'rsp.stacked_collate', tmp_path, [dict(type='rsp.TeacherHook')]
    )
    assert 'loss_spatial' in values[0]


@pytest.mark.parametrize('source', ['labels', 'land_cover'])
def test_geokr_on_reflectance_of_four_bands(folder, tmp_path, write_scene, source):
    """From a label file, and from a raster of the same ground."""
    names = ('Forest', 'Waterbodies')
    if source == 'labels':
        every = (
            'Cultivated_Land Forest Grassland Shrubland Wetland Waterbodies Tundra '
            'Artificial_Surfaces Bareland Permanent_Snow sea'
        ).split()
        lines = [dict(rsp_land_cover_labels=1)] + [
            dict(
                image=f'{n % 4}.tif',
                window=[8 * n, 0, 64, 64],
                coverage=1,
                counts=dict.fromkeys(every, 0) | dict(Forest=n, Waterbodies=12 - n),
            )
            for n in range(12)
        ]
        file = tmp_path / 'labels.jsonl'
        file.write_text('\n'.join(map(json.dumps, lines)) + '\n')
        windows = dict(type='rsp.LabeledWindowSampler', file=str(file))
        options = dict(windows=windows)
    else:
        codes = np.full((1, 250, 250), 10, np.uint8)  # WorldCover: trees
        codes[:, :, :90] = 80  # and water
        file = write_scene('cover.tif', pixels=codes)
        options = dict(land_cover=dict(rasters=[str(file)], class_map='worldcover'))
    dataset = scenes(
        folder,
        [dict(type='RandomFlip', prob=0.5)],
        bands=(1, 2, 3, 5),
        reflectance=dict(scale=1e-4, mean=[0.15] * 4, std=[0.04] * 4),
        classes=names,
        **options,
    )
    model = dict(
        type='rsp.GeoKR',
        backbone=dict(type='ResNet', in_channels=4, **BACKBONE),
        classifier=dict(type='rsp.Projector', widths=[32, 2]),
        head=dict(type='rsp.LandCoverHead', num_classes=2),
        data_preprocessor=dict(type='rsp.BandDataPreprocessor'),
    )
    values, _ = train(
        model, dataset, 'rsp.stacked_collate', tmp_path, [dict(type='rsp.TeacherHook')]
    )
    assert 0 < values[0]['loss_land_cover'] < 2
