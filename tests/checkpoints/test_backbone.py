import copy

import pytest
import torch
from mmengine.runner import CheckpointLoader
from mmpretrain.models import ResNet
from mmpretrain.registry import MODELS as mmpretrain_models

import rsp
from rsp import checkpoints
from rsp.registry import MODELS


@pytest.fixture
def gersp():
    """A GeRSP model whose tensors all differ, student and teacher included."""
    model = MODELS.build(
        dict(
            type='GeRSP',
            backbone=dict(type='mmpretrain.ResNet', depth=18, base_channels=4)
            | dict(stem_channels=4),
            neck=dict(type='rsp.Projector', widths=[32, 16, 8]),
            head=dict(
                type='mmpretrain.ContrastiveHead',
                loss=dict(type='mmpretrain.CrossEntropyLoss'),
            ),
            sup_head=dict(type='rsp.ClassificationHead', num_classes=3, in_channels=32),
            queue=dict(dim=8, length=16),
        )
    )
    for number, tensor in enumerate(model.state_dict().values()):
        tensor.copy_(torch.full_like(tensor, number))
    return model


@pytest.fixture
def run(tmp_path, gersp):
    """The file a run writes, from channels-last weights behind a wrapper."""
    gersp.to(memory_format=torch.channels_last)
    state = {f'module.{name}': t for name, t in gersp.state_dict().items()}
    file = tmp_path / 'epoch_3.pth'
    meta = dict(epoch=3, iter=40, cfg="model = dict(type='rsp.GeRSP')")
    torch.save(dict(state_dict=state, meta=meta, optimizer=dict(state={})), file)
    return file


def small_resnet(depth=18):
    return ResNet(depth, base_channels=4, stem_channels=4)


@pytest.mark.parametrize(
    ('branch', 'prefix'),
    [('student', 'backbone.'), ('teacher', 'teacher.module.backbone.')],
)
def test_exactly_the_tensors_of_one_backbone(tmp_path, run, gersp, branch, prefix):
    out = tmp_path / 'backbone.pth'
    checkpoints.export_backbone(run, out, branch)
    exported = torch.load(out, weights_only=True)['state_dict']
    own = {n: t for n, t in gersp.state_dict().items() if n.startswith(prefix)}
    # 20 convolutions and 20 batch norms of 5 tensors.
    assert len(exported) == len(own) == 120
    for name, tensor in own.items():
        exported_tensor = exported['backbone.' + name[len(prefix) :]]
        assert torch.equal(exported_tensor, tensor)
        assert exported_tensor.is_contiguous()


def test_a_resnet50_has_318_tensors():
    state = {f'backbone.{n}': t for n, t in small_resnet(50).state_dict().items()}
    assert len(checkpoints.extract_backbone(state)) == 318


def test_it_loads_with_nothing_missing_and_nothing_unexpected(tmp_path, run):
    out = tmp_path / 'backbone.pth'
    checkpoints.export_backbone(run, out)
    state = CheckpointLoader.load_checkpoint(str(out))['state_dict']
    bare = {name.removeprefix('backbone.'): t for name, t in state.items()}
    small_resnet().load_state_dict(bare, strict=True)


def test_an_export_initializes_a_backbone(tmp_path, run, gersp):
    out = tmp_path / 'backbone.pth'
    checkpoints.export_backbone(run, out)
    backbone = ResNet(
        18,
        base_channels=4,
        stem_channels=4,
        init_cfg=dict(type='Pretrained', checkpoint=str(out), prefix='backbone.'),
    )
    backbone.init_weights()
    for name, tensor in gersp.backbone.state_dict().items():
        assert torch.equal(backbone.state_dict()[name], tensor), name


def test_exporting_an_export_changes_nothing(tmp_path, run):
    once, twice = tmp_path / 'once.pth', tmp_path / 'twice.pth'
    checkpoints.export_backbone(run, once, 'teacher')
    checkpoints.export_backbone(once, twice)
    first, second = (torch.load(file, weights_only=True) for file in (once, twice))
    assert first['meta'] == second['meta']
    assert list(first['state_dict']) == list(second['state_dict'])
    for name, tensor in first['state_dict'].items():
        assert torch.equal(tensor, second['state_dict'][name])


def test_the_notes_tell_what_it_is(tmp_path, run):
    meta = checkpoints.export_backbone(run, tmp_path / 'new' / 'backbone.pth')
    papers = meta.pop('card')
    assert meta.pop('guessed')['style'] == 'pytorch'
    assert papers['method'] == 'rsp.GeRSP'
    assert len(papers['digests']) == 120
    left_out = meta.pop('left_out')
    assert len(left_out) == len(torch.load(run, weights_only=True)['state_dict']) - 120
    learned = sum(p.numel() for p in small_resnet().parameters())
    assert meta == dict(
        branch='student',
        source='epoch_3.pth',
        architecture='ResNet-18',
        tensors=120,
        parameters=learned,
        rsp=rsp.__version__,
        epoch=3,
        iter=40,
        names='mmpretrain',
        unknown=[],
    )


def test_the_tensors_are_copies(gersp):
    before = copy.deepcopy(gersp.state_dict())
    for tensor in checkpoints.extract_backbone(gersp.state_dict()).values():
        tensor.zero_()
    for name, tensor in gersp.state_dict().items():
        assert torch.equal(tensor, before[name])


def test_a_teacher_of_mmpretrain_is_found(tmp_path):
    state = {f'momentum_encoder.module.0.{n}': t for n, t in _weights().items()}
    state |= {'momentum_encoder.module.1.fc.weight': torch.zeros(1)}
    exported = checkpoints.extract_backbone(state, 'teacher')
    assert set(exported) == {f'backbone.{name}' for name in _weights()}


def _weights():
    return {'conv1.weight': torch.zeros(1), 'layer1.0.conv1.weight': torch.zeros(1)}


def test_a_part_that_is_not_there_is_refused_with_those_that_are(tmp_path, run):
    once = tmp_path / 'once.pth'
    checkpoints.export_backbone(run, once)
    with pytest.raises(ValueError, match=r'no backbone of a teacher.*backbone \(120'):
        checkpoints.export_backbone(once, tmp_path / 'twice.pth', 'teacher')
    assert not (tmp_path / 'twice.pth').exists()


def test_the_checkpoint_itself_is_not_overwritten(tmp_path, run):
    with pytest.raises(ValueError, match=r'expected a new file.*epoch_3.pth'):
        checkpoints.export_backbone(run, tmp_path / '.' / 'epoch_3.pth')
    with pytest.raises(ValueError, match='got the folder'):
        checkpoints.export_backbone(run, tmp_path)


@pytest.mark.parametrize(
    ('masked', 'plain', 'new'),
    [
        (
            dict(type='rsp.MaskedResNet', depth=18, base_channels=4),
            dict(type='ResNet', depth=18, base_channels=4),
            set(),
        ),
        (
            dict(type='rsp.MaskedSwinTransformer', arch='tiny'),
            dict(type='SwinTransformer', arch='tiny', out_indices=(0, 1, 2, 3)),
            # A dense head reads every stage; pre-training normalized the last alone.
            {f'norm{i}.{kind}' for i in range(3) for kind in ('weight', 'bias')},
        ),
        (
            dict(type='rsp.MaskedVisionTransformer', arch='deit-tiny'),
            dict(type='VisionTransformer', arch='deit-tiny'),
            set(),
        ),
    ],
)
def test_a_masked_backbone_loads_into_the_plain_one(masked, plain, new):
    """Student and teacher, whole; the mask token stays behind."""
    backbone = mmpretrain_models.build(masked)
    shadow = {k: v for k, v in backbone.state_dict().items() if k != 'mask_token'}
    state = {f'backbone.{k}': v for k, v in backbone.state_dict().items()}
    state |= {f'teacher.module.backbone.{k}': v + 1 for k, v in shadow.items()}
    for branch in ('student', 'teacher'):
        exported = checkpoints.extract_backbone(state, branch)
        target = mmpretrain_models.build(plain)
        bare = {name.removeprefix('backbone.'): t for name, t in exported.items()}
        missing, unexpected = target.load_state_dict(bare, strict=False)
        assert unexpected == []
        assert set(missing) == new
        if branch == 'student':
            images = torch.randn(1, 3, 224, 224)
            backbone.eval(), target.eval()
            if 'Vision' not in plain['type']:
                torch.testing.assert_close(target(images)[-1], backbone(images)[-1])


def test_a_checkpoint_with_a_mask_token_is_evaluated_as_it_is():
    backbone = mmpretrain_models.build(
        dict(type='rsp.MaskedResNet', depth=18, base_channels=4)
    )
    state = {f'backbone.{k}': v for k, v in backbone.state_dict().items()}
    model = torch.nn.Module()
    model.backbone = mmpretrain_models.build(
        dict(type='ResNet', depth=18, base_channels=4)
    )
    ignored = checkpoints.load_whole_model(
        model, checkpoints.Checkpoint('epoch_1.pth', state)
    )
    assert ignored == ['backbone.mask_token']
