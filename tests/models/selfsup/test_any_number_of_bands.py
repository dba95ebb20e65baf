"""All methods train on images of any number of bands, straight from GeoTIFFs.

From the scenes to the exported backbone: losses, weights, its card and its network.
"""

import math
from pathlib import Path

import pytest
import torch

from rsp import checkpoints

from .conftest import build, logged, small_run

pytest.importorskip('rasterio', reason="needs the 'geo' extra")
import scenes

WIDTH = 64
BACKBONE = dict(depth=18, stem_channels=8, base_channels=WIDTH // 8)
HEAD = dict(type='ContrastiveHead', loss=dict(type='CrossEntropyLoss'), temperature=0.2)
PACK = dict(type='PackInputs')
VIEW = [
    dict(type='RandomResizedCrop', scale=32, crop_ratio_range=(0.3, 1.0)),
    dict(type='rsp.ColorJitter', brightness=0.4, contrast=0.4),
    dict(type='rsp.RandomGrayscale', prob=0.2),
    dict(type='rsp.RandomBlur', kernel=(3, 7), prob=0.5),
    dict(type='rsp.RandomSolarize', prob=0.2),
    dict(type='RandomFlip', prob=0.5),
]
TWO_VIEWS = [dict(type='MultiView', num_views=2, transforms=[VIEW]), PACK]


def statistics(bands):
    """As many numbers as bands, all different."""
    return dict(
        mean=[0.1 + 0.01 * b for b in range(bands)],
        std=[0.05 + 0.01 * b for b in range(bands)],
    )


def windows(folder, steps, pipeline, **options):
    return dict(
        type='rsp.SceneDataset',
        data_root=str(folder / 's2'),
        windows=dict(size=64, length=4 * steps),
        reflectance=dict(scale=1e-4, value_range=(0, 1)),
        pipeline=pipeline,
        **options,
    )


def gersp(folder, bands, steps):
    photos = dict(
        type='rsp.ImageFolder',
        data_root=str(folder / 'photos'),
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(type='RandomResizedCrop', scale=32),
            PACK,
        ],
    )
    model = dict(
        type='rsp.GeRSP',
        backbone=dict(type='ResNet', in_channels=bands, **BACKBONE),
        source_stems=dict(natural=3),
        neck=dict(type='rsp.Projector', widths=[WIDTH, 16, 6]),
        head=HEAD,
        sup_head=dict(type='rsp.ClassificationHead', num_classes=2, in_channels=WIDTH),
        queue=dict(dim=6, length=8),
        data_preprocessor=dict(
            type='rsp.PairedDataPreprocessor',
            **statistics(bands),
            sources=dict(natural=dict(mean=[120.0] * 3, std=[60.0] * 3, to_rgb=True)),
        ),
    )
    sources = dict(remote=windows(folder, steps, TWO_VIEWS), natural=photos)
    return model, dict(type='rsp.PairedDataset', sources=sources), 'rsp.paired_collate'


def cmid(folder, bands, steps):
    strong = [*VIEW[1:-1], dict(type='rsp.GaussianNoise')]
    pipeline = [
        dict(
            type='rsp.MaskedTwoCrop',
            size=64,
            mask_patch_size=16,
            transforms=[[], strong],
            resize_first=False,
        ),
        dict(PACK, algorithm_keys=['masks', 'positions']),
    ]
    model = dict(
        type='rsp.CMID',
        backbone=dict(type='rsp.MaskedResNet', in_channels=bands, **BACKBONE),
        reconstruction=dict(
            type='rsp.ReconstructionHead',
            decoder=dict(
                type='rsp.LinearDecoder',
                in_channels=WIDTH,
                encoder_stride=32,
                out_channels=bands,
            ),
        ),
        neck=dict(type='rsp.Projector', widths=[WIDTH, 16, 6]),
        head=HEAD,
        queue=dict(dim=6, length=16),
        local_neck=dict(
            type='rsp.PrototypeNeck',
            in_channels=WIDTH,
            hidden_channels=8,
            out_channels=4,
            num_prototypes=9,
        ),
        local_head=dict(type='rsp.SelfDistillationHead', num_prototypes=9),
        num_matches=2,
        data_preprocessor=dict(type='rsp.BandDataPreprocessor', **statistics(bands)),
    )
    return model, windows(folder, steps, pipeline), 'rsp.stacked_collate'


def geokr(folder, bands, steps):
    names = ('Cultivated_Land', 'Forest', 'Grassland')
    land_cover = dict(rasters=str(folder / 'cover.tif'), class_map='worldcover')
    model = dict(
        type='rsp.GeoKR',
        backbone=dict(type='ResNet', in_channels=bands, **BACKBONE),
        classifier=dict(type='rsp.Projector', widths=[WIDTH, 3]),
        head=dict(type='rsp.LandCoverHead', num_classes=3),
        data_preprocessor=dict(type='rsp.BandDataPreprocessor', **statistics(bands)),
    )
    dataset = windows(
        folder, steps, [*VIEW[1:], PACK], land_cover=land_cover, classes=names
    )
    return model, dataset, 'rsp.stacked_collate'


def moco(folder, bands, steps):
    model = dict(
        type='MoCo',
        queue_len=16,
        feat_dim=6,
        momentum=0.01,
        backbone=dict(type='ResNet', in_channels=bands, **BACKBONE),
        neck=dict(
            type='MoCoV2Neck',
            in_channels=WIDTH,
            hid_channels=16,
            out_channels=6,
            with_avg_pool=True,
        ),
        head=HEAD,
        data_preprocessor=dict(type='rsp.BandDataPreprocessor', **statistics(bands)),
    )
    return model, windows(folder, steps, TWO_VIEWS), 'rsp.stacked_collate'


METHODS = dict(gersp=gersp, cmid=cmid, geokr=geokr, moco=moco)


def run(method, bands, steps, folder, write_images):
    """Train; return the config and the logged steps."""
    for number, east in enumerate((0, 700)):
        grid = scenes.utm_grid(160 + 30 * number, 150, east)
        scenes.sentinel2(folder / f's2/{number}.tif', grid, bands)
    scenes.worldcover(folder / 'cover.tif')
    write_images('photos', [f'{c}/{n}.png' for c in 'ab' for n in range(3)])
    model, dataset, collate = METHODS[method](folder, bands, steps)
    hooks = [dict(type='rsp.TeacherHook')] if method in ('cmid', 'geokr') else []
    if method == 'cmid':
        hooks.append(dict(type='rsp.ReconstructionHook', interval=2))
    cfg = small_run(
        folder,
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
        custom_hooks=hooks,
    )
    runner = build(cfg)
    before = {name: p.clone() for name, p in runner.model.named_parameters()}
    runner.train()
    assert runner.iter == steps
    # What the bands reach first and last learns.
    ends = ('backbone.conv1.', 'source_stems.', 'reconstruction.')
    for name, weight in runner.model.named_parameters():
        if name.startswith(ends):
            assert not torch.equal(weight, before[name]), name
    return cfg, logged(cfg)


@pytest.mark.parametrize('bands', [13, 2])
@pytest.mark.parametrize(
    ('method', 'steps'),
    [(method, 2) for method in METHODS]
    + [pytest.param(method, 20, marks=pytest.mark.slow) for method in METHODS],
)
def test_a_method_trains_and_hands_on_its_backbone(
    tmp_path, write_images, method, bands, steps
):
    cfg, values = run(method, bands, steps, tmp_path, write_images)
    assert len(values) == steps
    assert all(math.isfinite(step['loss']) for step in values)
    if method == 'cmid':
        assert any(tmp_path.glob('run/*/vis_data/vis_image/reconstruction_*.png'))

    exported = tmp_path / 'backbone.pth'
    checkpoints.export_backbone(str(tmp_path / 'run/epoch_1.pth'), str(exported))
    checkpoint = checkpoints.Checkpoint.load(exported)
    stem = checkpoint.state_dict['backbone.conv1.weight']
    assert stem.shape[1] == bands
    card = checkpoint.card
    assert card['normalization']['mean'] == statistics(bands)['mean']
    assert card['normalization']['std'] == statistics(bands)['std']
    network = checkpoints.load_backbone(str(exported))
    assert network(torch.rand(2, bands, 64, 64))[-1].shape == (2, WIDTH, 2, 2)
    assert Path(cfg.work_dir).is_dir()
