"""Every config trains and tests on data in its real layout."""

import json
from pathlib import Path

import cv2
import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import MODELS, PARAM_SCHEDULERS, DefaultScope
from mmpretrain.models import ResNet, SwinTransformer

from rsp.engine.test import evaluation_config
from rsp.engine.train import build_runner, training_config
from rsp.io.configs import config_folder

pytestmark = [
    # The recipes average over ignored pixels too, and two outputs for two classes are
    # the general case; mmseg has another opinion on both.
    pytest.mark.filterwarnings('ignore:Default ``avg_non_ignore`` is False'),
    pytest.mark.filterwarnings('ignore:For binary segmentation, we suggest'),
]
FOLDER = config_folder() / 'downstream/segmentation'
CONFIGS = sorted(FOLDER.glob('*.py'))
LOVEDA = [c for c in CONFIGS if 'loveda' in c.name]
ISPRS = [c for c in CONFIGS if 'potsdam' in c.name or 'vaihingen' in c.name]


def load(name: str | Path) -> Config:
    return training_config(str(FOLDER / name))


@pytest.fixture(params=CONFIGS, ids=lambda file: file.stem)
def config(request):
    return load(request.param)


def build(model):
    with DefaultScope.overwrite_default_scope('mmseg'):
        built = MODELS.build(model)
    built.eval()  # mmseg's ResNet returns nothing
    return built


@pytest.fixture
def raw_checkpoint():
    """Return a function that writes what a pre-training of a small backbone would."""

    def write(backbone: dict, renamed: str = '') -> str:
        if 'ResNet' in backbone.type:
            plain = ResNet(depth=18, base_channels=8, stem_channels=8)
        else:
            plain = SwinTransformer(arch=dict(backbone.arch), img_size=64)
        state = {f'backbone.{name}': t for name, t in plain.state_dict().items()}
        if renamed:
            state[f'{renamed}.mangled'] = state.pop(renamed)
        teacher = {f'teacher.module.{name}': t for name, t in state.items()}
        others = {'neck.mlp.0.weight': torch.zeros(8, 64), 'queue.feats': torch.ones(8)}
        torch.save(dict(state_dict=state | teacher | others, meta={}), 'raw.pth')
        return 'raw.pth'

    return write


def test_a_small_version_trains_and_tests(
    config, layout, shorten, shrink, train_and_test, raw_checkpoint
):
    """From a raw pre-training checkpoint, all of whose backbone is loaded."""
    shorten(config)
    shrink(config)
    layout(config)
    ours = 'TIMM' not in config.model.backbone.type  # no method of ours trains others
    config.checkpoint = raw_checkpoint(config.model.backbone) if ours else None
    scores = train_and_test(config)
    if ours:
        report = json.loads(Path('run/load_report.json').read_text())
        assert report['percent'] == 100
        assert report['missing'] == report['unexpected'] == report['reshaped'] == []
    assert 0 <= scores['mIoU'] <= 100
    classes = len([key for key in scores if key.startswith('IoU_')])
    assert classes == config.model.decode_head.num_classes - config.unscored_outputs


def test_a_mangled_checkpoint_is_refused_by_name(
    layout, shorten, shrink, raw_checkpoint
):
    cfg = load('psanet_r50_loveda.py')
    shorten(cfg)
    shrink(cfg)
    layout(cfg)
    name = 'layer3.0.conv1.weight'
    cfg.checkpoint = raw_checkpoint(cfg.model.backbone, renamed=f'backbone.{name}')
    message = rf'(?s)missing +1 .*{name}.*unexpected +1 .*{name}.mangled'
    with pytest.raises(ValueError, match=message):
        build_runner(cfg).train()


@pytest.mark.slow
@pytest.mark.filterwarnings('ignore:.*SyncBatchNorm')
def test_the_real_size_trains_and_tests(config, layout, shorten, train_and_test):
    shorten(config)
    config.train_cfg.update(max_iters=1, val_interval=1)
    layout(config)
    train_and_test(config)


def test_a_plain_backbone_has_the_names_of_a_checkpoint():
    plain = {k: v.shape for k, v in ResNet(depth=50).state_dict().items()}
    for file in (c for c in CONFIGS if '_r50_' in c.name):
        backbone = build(load(file).model.backbone)
        assert {k: v.shape for k, v in backbone.state_dict().items()} == plain, file


@pytest.mark.parametrize('name', ['psanet_r50_loveda', 'deeplabv3plus_r50_loveda'])
def test_dilated_backbones_keep_a_stride_of_eight(name):
    backbone = build(load(f'{name}.py').model.backbone)
    with torch.no_grad():
        maps = backbone(torch.zeros(1, 3, 64, 96))
    assert [tuple(m.shape[2:]) for m in maps] == [(16, 24), (8, 12), (8, 12), (8, 12)]
    # The first block of a dilated stage still sees what its weights were trained on.
    convs = [getattr(backbone, f'layer{s}') for s in (3, 4)]
    dilations = [[b.conv2.dilation[0] for b in layer] for layer in convs]
    assert dilations == [[1, 2, 2, 2, 2, 2], [2, 4, 4]]


def test_dilation_does_not_change_what_the_weights_compute():
    """At stride 8: stage 3 without its stride, read at every second position."""
    dilated = build(load('psanet_r50_loveda.py').model.backbone)
    plain = ResNet(depth=50, out_indices=(0, 1, 2, 3))
    plain.eval()
    for weight in dilated.state_dict().values():
        if weight.dtype == torch.float32 and weight.dim() == 1:
            weight.uniform_(0.5, 1.5)
    plain.load_state_dict(dilated.state_dict())
    image = torch.randn(1, 3, 96, 96)
    with torch.no_grad():
        fine, coarse = dilated(image)[2], plain(image)[2]
    torch.testing.assert_close(fine[..., ::2, ::2], coarse, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize('file', ISPRS, ids=lambda file: file.stem)
def test_isprs_configs_follow_cmid(file):
    """The values of the official configs."""
    cfg = load(file)
    head, aux = cfg.model.decode_head, cfg.model.auxiliary_head
    assert (head.type, head.channels, head.pool_scales) == (
        'UPerHead',
        512,
        (1, 2, 3, 6),
    )
    assert (head.num_classes, aux.num_classes, cfg.unscored_outputs) == (6, 6, 1)
    assert (aux.channels, aux.in_index, aux.loss_decode.loss_weight) == (256, 2, 0.4)
    steps = {step.type: step for step in cfg.train_dataloader.dataset.pipeline}
    assert steps['RandomCrop'].crop_size == (512, 512)
    assert steps['RandomCrop'].cat_max_ratio == 0.75
    assert steps['RandomResize'].ratio_range == (0.5, 2.0)
    assert cfg.train_dataloader.batch_size == 8
    tiles = 3456 if 'potsdam' in file.name else 344
    assert cfg.train_cfg.max_iters == 50 * tiles // 8
    if 'swin' in file.name:
        assert cfg.model.backbone.drop_path_rate == 0.3
        assert head.norm_cfg.type == 'SyncBN'


def rates(cfg):
    optimizer = torch.optim.SGD(
        [torch.nn.Parameter(torch.zeros(1))], lr=cfg.optim_wrapper.optimizer.lr
    )
    built = [
        PARAM_SCHEDULERS.build(s, default_args=dict(optimizer=optimizer))
        for s in cfg.param_scheduler
    ]
    curve = []
    for _ in range(cfg.train_cfg.max_iters):
        curve.append(optimizer.param_groups[0]['lr'])
        optimizer.step()
        for scheduler in built:
            scheduler.step()
    return curve


@pytest.mark.parametrize('file', ISPRS, ids=lambda file: file.stem)
def test_cmids_rate_warms_up_for_100_iterations_and_ends_at_1e_6(file):
    cfg = load(file)
    curve, base = rates(cfg), cfg.optim_wrapper.optimizer.lr
    assert curve[0] == pytest.approx(0.1 * base)
    assert max(curve) == pytest.approx(base, rel=0.01)
    assert 90 <= curve.index(max(curve)) <= 110
    assert curve[len(curve) // 2] == pytest.approx(base / 2, rel=0.03)
    assert curve[-1] == pytest.approx(1e-6, rel=0.05)


def test_loveda_follows_mmsegs_80k():
    for file in (c for c in LOVEDA if '_r50_' in c.name):
        cfg = load(file)
        assert (cfg.train_cfg.max_iters, cfg.train_dataloader.batch_size) == (80000, 16)
        assert cfg.param_scheduler[0].eta_min == 1e-4
        assert cfg.optim_wrapper.optimizer == dict(
            type='SGD', lr=0.01, momentum=0.9, weight_decay=0.0005
        )


@pytest.mark.parametrize('name', ['upernet_swin-b_potsdam', 'upernet_swin-b_vaihingen'])
def test_norms_and_position_biases_of_swin_do_not_decay(name, shrink):
    cfg = load(f'{name}.py')
    shrink(cfg)
    model = build(cfg.model)
    with DefaultScope.overwrite_default_scope('mmseg'):
        wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    free = {
        id(p)
        for group in wrapper.optimizer.param_groups
        if group['weight_decay'] == 0
        for p in group['params']
    }
    for key, parameter in model.backbone.named_parameters():
        expected = 'norm' in key or 'relative_position_bias_table' in key
        assert (id(parameter) in free) is expected, key


def test_the_mask_of_psanet_covers_the_maps_of_its_crops():
    """All 32 x 32 positions see each other: offsets up to 31 either way."""
    cfg = load('psanet_r50_loveda.py')
    (crop, _) = cfg.model.data_preprocessor.size
    size_of_map = crop // 8 // cfg.model.decode_head.shrink_factor
    assert all(
        (size - 1) // 2 >= size_of_map - 1 for size in cfg.model.decode_head.mask_size
    )


@pytest.mark.parametrize('size', [(64, 64), (72, 96), (80, 56)])
def test_psanet_takes_images_of_any_size(size, shrink):
    cfg = load('psanet_r50_loveda.py')
    shrink(cfg)
    model = build(cfg.model)
    with torch.no_grad():
        out = model(torch.randn(1, 3, *size), mode='tensor')
    assert out.shape == (1, 7, size[0] // 8, size[1] // 8)
    assert out.isfinite().all()


def test_a_wrong_number_of_outputs_is_refused_before_the_first_step(
    layout, shorten, shrink
):
    cfg = load('upernet_r50_loveda.py')
    shorten(cfg)
    shrink(cfg)
    layout(cfg)
    cfg.model.auxiliary_head.num_classes = 6
    runner = build_runner(cfg)
    with pytest.raises(ValueError, match=r'expected 6 .*auxiliary_head.num_cl.*got 7'):
        runner.train()
    assert runner.iter == 0


def test_one_output_more_than_classes_has_to_be_meant(layout, shorten, shrink):
    cfg = load('upernet_r50_potsdam.py')
    shorten(cfg)
    shrink(cfg)
    layout(cfg)
    cfg.unscored_outputs = 0
    with pytest.raises(ValueError, match=r'expected 6 .*decode_head.num_cl.*got 5'):
        build_runner(cfg).train()


@pytest.mark.parametrize('file', LOVEDA, ids=lambda file: file.stem)
def test_loveda_writes_the_servers_files(file, write_pairs, layout, shorten, shrink):
    """Test tiles have no masks; their predictions are 0 to 6, as the server wants."""
    cfg = evaluation_config(str(file), 'random', format_only='submission')
    shorten(cfg)
    shrink(cfg)
    layout(cfg)
    write_pairs('data/loveDA', 'test', ['4191', '4192'], range(8))
    runner = build_runner(cfg)
    assert runner.test() == {}
    written = {f.name: cv2.imread(str(f), -1) for f in Path('submission').iterdir()}
    assert sorted(written) == ['4191.png', '4192.png']
    assert all(labels.shape == (64, 72) for labels in written.values())
    sample = runner.test_dataloader.dataset[0]['data_samples']
    assert not sample.metainfo.get('reduce_zero_label')  # mmseg would add 1
