"""Any self-supervised method of mmpretrain trains on files, a store and scenes."""

from typing import Any

import numpy as np
import pytest
import torch
from mmengine.config import Config
from stores import pack

from rsp.engine.train import build_runner, training_config
from rsp.engine.wrong_config import refuse_wrong_settings
from rsp.errors import UserError
from rsp.io.configs import config_folder

SIZE = 64
RESNET = dict(depth=18, base_channels=8, stem_channels=8)
VIT = dict(embed_dims=64, num_layers=4, num_heads=4, feedforward_channels=128)
DECODER = dict(decoder_embed_dim=32, decoder_depth=1, decoder_num_heads=4)
SWIN = dict(embed_dims=16, depths=[1, 1, 1, 1], num_heads=[1, 1, 2, 2])
NECK = dict(in_channels=64, hid_channels=64)
HIVIT = dict(embed_dims=64, depths=[1, 1, 2], num_heads=2)
# Method, its config, and what makes its parts tiny.
METHODS = {
    'simclr': (
        'simclr_resnet50_8xb32-coslr-200e_in1k',
        dict(backbone=RESNET, neck=NECK),
    ),
    'byol': (
        'byol_resnet50_16xb256-coslr-200e_in1k',
        dict(backbone=RESNET, neck=NECK, head=dict(predictor=dict(hid_channels=64))),
    ),
    'simsiam': (
        'simsiam_resnet50_8xb32-coslr-100e_in1k',
        dict(backbone=RESNET, neck=NECK),
    ),
    'barlowtwins': (
        'barlowtwins_resnet50_8xb256-coslr-300e_in1k',
        dict(
            backbone=RESNET,
            neck=dict(NECK, out_channels=64),
            head=dict(in_channels=64),
        ),
    ),
    'mae': (
        'mae_vit-base-p16_8xb512-amp-coslr-300e_in1k',
        dict(
            backbone=dict(arch=VIT, img_size=SIZE),
            neck=dict(DECODER, embed_dim=64, num_patches=16),
        ),
    ),
    'mocov2': (
        'mocov2_resnet50_8xb32-coslr-200e_in1k',
        dict(backbone=RESNET, neck=NECK, queue_len=16),
    ),
    'mocov3': (
        'mocov3_vit-small-p16_16xb256-amp-coslr-300e_in1k',
        dict(
            backbone=dict(arch=VIT, img_size=SIZE),
            neck=NECK,
            head=dict(predictor=dict(hid_channels=64)),
        ),
    ),
    'swav': (
        'swav_resnet50_8xb32-mcrop-coslr-200e_in1k-224px-96px',
        dict(backbone=RESNET, neck=NECK),
    ),
    'densecl': (
        'densecl_resnet50_8xb32-coslr-200e_in1k',
        dict(backbone=RESNET, neck=NECK, queue_len=16),
    ),
    'simmim': (
        'simmim_swin-base-w6_8xb256-amp-coslr-100e_in1k-192px',
        dict(
            backbone=dict(
                arch=SWIN,
                img_size=SIZE,
                stage_cfgs=dict(block_cfgs=dict(window_size=4, pad_small_map=True)),
            ),
            neck=dict(in_channels=128),
        ),
    ),
    'mixmim': (
        'mixmim_mixmim-base_16xb128-coslr-300e_in1k',
        dict(
            backbone=dict(
                arch=dict(embed_dims=16, depths=[1, 1, 1, 1], num_heads=[1, 1, 2, 2]),
                img_size=SIZE,
                window_size=[4, 4, 4, 2],
            ),
            neck=dict(DECODER, embed_dim=128, num_patches=4),
        ),
    ),
    'maskfeat': (
        'maskfeat_vit-base-p16_8xb256-amp-coslr-300e_in1k',
        dict(backbone=dict(arch=VIT), neck=dict(in_channels=64)),
    ),
    'mff': (
        'mff_vit-base-p16_8xb512-amp-coslr-300e_in1k',
        dict(
            backbone=dict(arch=VIT, out_indices=[0, 1, 2, 3]),
            neck=dict(DECODER, embed_dim=64),
        ),
    ),
    'itpn': (
        'itpn-pixel_hivit-base-p16_8xb512-amp-coslr-800e_in1k',
        dict(
            backbone=dict(arch=HIVIT, img_size=SIZE),
            neck=dict(DECODER, embed_dim=64, num_patches=16, fpn_depth=1, fpn_dim=32),
        ),
    ),
}
# Know maps of 14 x 14 patches alone.
WHOLE = ('maskfeat', 'mff')


def train(name: str, data: dict, tmp_path: Any, steps: int = 2) -> Any:
    """Train the two lines of a method, made tiny; return the runner."""
    config, model = METHODS[name]
    file = tmp_path / f'{name}.py'
    base = f'mmpretrain::{name}/{config}.py'
    file.write_text(f'_base_ = {base!r}\npretrain_data = {data!r}\n')
    cfg = training_config(str(file), work_dir=str(tmp_path / 'run'))
    change(cfg.model, model)
    if name not in WHOLE:
        shrink_views(cfg.train_dataloader)
    cfg.train_dataloader.update(
        batch_size=4, num_workers=0, persistent_workers=False, pin_memory=False
    )
    cfg.train_cfg = dict(type='IterBasedTrainLoop', max_iters=steps)
    cfg.param_scheduler = []
    cfg.resume = False
    cfg.randomness = dict(seed=0)
    cfg.optim_wrapper.type = 'OptimWrapper'
    cfg.optim_wrapper.pop('loss_scale', None)
    cfg.default_hooks.checkpoint.update(interval=1, by_epoch=False)
    for hook in cfg.custom_hooks:
        if hook.type == 'SwAVHook':
            hook.update(batch_size=4, queue_length=16)
    runner = build_runner(cfg)
    before = [p.detach().clone() for p in runner.model.parameters()]
    runner.train()
    after = runner.model.parameters()
    assert any(not torch.equal(a, b) for a, b in zip(before, after, strict=True))
    return runner


def change(node: dict, changes: dict) -> None:
    for key, new in changes.items():
        if isinstance(new, dict) and key != 'arch' and key in node:
            change(node[key], new)
        else:
            node[key] = new


def shrink_views(node: Any) -> None:
    if isinstance(node, dict):
        if isinstance(node.get('scale'), int):
            node['scale'] = SIZE if node['scale'] > 100 else SIZE // 2
        if 'input_size' in node:
            node['input_size'] = SIZE
        node = list(node.values())
    for inner in node if isinstance(node, list | tuple) else ():
        shrink_views(inner)


def losses(runner: Any) -> list[float]:
    logged = runner.message_hub.log_scalars['train/loss'].data[0]
    # Other runs of this process may stand before.
    return [float(loss) for loss in logged[-runner.iter :]]


@pytest.fixture
def images(write_images):
    return write_images('scenes', [f'{i}.png' for i in range(8)], size=(80, 96))


@pytest.mark.parametrize(
    'name',
    [
        pytest.param(n, marks=() if n in ('byol', 'mae') else pytest.mark.slow)
        for n in METHODS
    ],
)
def test_every_method_trains_on_own_images(name, images, tmp_path):
    runner = train(name, dict(data_root=str(images)), tmp_path)
    assert runner.iter == 2
    assert np.isfinite(losses(runner)).all()
    assert (tmp_path / 'run/iter_2.pth').is_file()
    kinds = {type(hook).__name__ for hook in runner.hooks}
    assert {'HealthHook', 'PixelGuardHook', 'NonFiniteHook', 'PreflightHook'} <= kinds
    (data,) = [runner.train_dataloader.dataset.dataset]
    first = type(data.pipeline.transforms[0]).__name__
    # Its transforms are torchvision's.
    known = ('LoadImageFromFile',) if name == 'mff' else ('LoadViews', 'LoadView')
    assert first in known


@pytest.mark.parametrize('name', ['simclr', 'byol', 'simsiam', 'barlowtwins', 'mae'])
def test_two_steps_of_the_small_baselines(name, write_images, tmp_path):
    root = write_images('scenes', [f'{i}.png' for i in range(8)])
    (recipe,) = config_folder().glob(f'baselines/{name}_*_1xb64-*_quickstart.py')
    cfg = training_config(str(recipe), work_dir=str(tmp_path / 'run'))
    cfg.train_dataloader.update(batch_size=4, num_workers=0, persistent_workers=False)
    cfg.train_dataloader.dataset.update(data_root=str(root), data_prefix='')
    cfg.train_cfg.max_epochs = 1
    runner = build_runner(cfg)
    runner.train()
    assert runner.iter == 2
    assert np.isfinite(losses(runner)).all()


@pytest.mark.parametrize('name', ['simsiam', 'mae'])
def test_a_packed_store_gives_what_its_files_give(name, images, tmp_path):
    store = pack(images, tmp_path / 'store', keep=True)
    of_files = losses(train(name, dict(data_root=str(images)), tmp_path))
    of_store = losses(train(name, dict(store=str(store)), tmp_path))
    assert of_files == of_store


@pytest.mark.parametrize('name', ['simsiam', 'mae'])
def test_windows_of_scenes(name, write_scene, tmp_path):
    pixels = np.random.default_rng(0).integers(256, size=(3, 160, 200), dtype=np.uint8)
    write_scene('scenes/a.tif', pixels=pixels)
    data = dict(
        type='rsp.SceneDataset',
        data_root=str(tmp_path / 'scenes'),
        windows=dict(type='rsp.RandomWindowSampler', size=96, length=8),
    )
    runner = train(name, data, tmp_path)
    assert np.isfinite(losses(runner)).all()


def series(write_scene, names=('a_20200101', 'a_20200701')):
    rng = np.random.default_rng(0)
    for name in names:
        pixels = rng.integers(1, 256, size=(3, 160, 200), dtype=np.uint8)
        folder = write_scene(f'scenes/{name}.tif', pixels=pixels).parent
    return dict(
        type='rsp.TemporalSceneDataset',
        data_root=str(folder),
        windows=dict(type='rsp.RandomWindowSampler', size=96, length=8),
    )


@pytest.mark.parametrize(
    'name', ['simsiam', pytest.param('mocov2', marks=pytest.mark.slow)]
)
def test_two_dates_of_a_place_are_the_positive_pair(name, write_scene, tmp_path):
    runner = train(name, series(write_scene), tmp_path)
    assert np.isfinite(losses(runner)).all()
    dataset = runner.train_dataloader.dataset
    assert type(dataset).__name__ == 'TemporalSceneDataset'
    (made,) = [
        s for s in dataset.pipeline.transforms if type(s).__name__ == 'MultiView'
    ]
    assert made.count == 2


def test_a_method_of_one_view_is_no_contrast_of_dates(write_scene, tmp_path):
    with pytest.raises(UserError, match='of two views or more in the pipeline'):
        train('mae', series(write_scene), tmp_path)


def test_views_that_are_not_known_are_made_by_the_transforms_themselves(
    images, tmp_path
):
    base = 'mmpretrain::beit/beit_beit-base-p16_8xb256-amp-coslr-300e_in1k.py'
    data = dict(data_root=str(images))
    (tmp_path / 'own.py').write_text(f'_base_ = {base!r}\npretrain_data = {data!r}\n')
    cfg = training_config(str(tmp_path / 'own.py'), work_dir='run')
    steps = cfg.train_dataloader.dataset.pipeline
    assert [step.type for step in steps] == [
        'rsp.LoadImageFromFile',
        'ColorJitter',
        'RandomFlip',
        'RandomResizedCropAndInterpolationWithTwoPic',
        'BEiTMaskGenerator',
        'PackInputs',
    ]


def test_a_written_config_is_read_as_it_is(images, tmp_path):
    base = 'mmpretrain::byol/byol_resnet50_16xb256-coslr-200e_in1k.py'
    data = dict(data_root=str(images))
    (tmp_path / 'own.py').write_text(f'_base_ = {base!r}\npretrain_data = {data!r}\n')
    cfg = training_config(str(tmp_path / 'own.py'), work_dir='run')
    cfg.dump(tmp_path / 'written.py')
    again = training_config(str(tmp_path / 'written.py'), work_dir='run')
    assert again.to_dict() == cfg.to_dict()


def test_a_config_without_a_pipeline_is_refused(tmp_path):
    (tmp_path / 'own.py').write_text("pretrain_data = dict(data_root='scenes')\n")
    with pytest.raises(UserError, match='pipeline'):
        training_config(str(tmp_path / 'own.py'), work_dir='run')


@pytest.mark.parametrize('name', ['pretraindata', 'pretrain_dta'])
def test_a_misspelled_key_is_refused_and_a_variable_is_not(name):
    given = dict(model=dict(type='SimCLR'), work_dir='run')
    refuse_wrong_settings(Config(given | dict(train_data=dict(data_root='scenes'))))
    with pytest.raises(UserError, match="did you mean 'pretrain_data'"):
        refuse_wrong_settings(Config(given | {name: dict(data_root='scenes')}))
