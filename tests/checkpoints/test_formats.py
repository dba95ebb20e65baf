import pytest
import torch
from torch import nn

from rsp.checkpoints import Checkpoint
from rsp.checkpoints.families import describe_architecture
from rsp.checkpoints.formats import detect_format, get_state_dict, list_modules


def tensors(*names):
    return {name: torch.zeros(1) for name in names}


def test_bare_and_wrapped_state_dicts_are_the_same():
    plain = tensors('backbone.a', 'neck.b')
    wrapped = {f'module.{name}': tensor for name, tensor in plain.items()}
    for content in (plain, wrapped, dict(state_dict=wrapped, meta=dict(epoch=1))):
        assert get_state_dict(content) == plain


def test_a_file_without_tensors_is_refused_with_its_keys():
    with pytest.raises(ValueError, match=r"got the keys \['epoch', 'loss'\]"):
        get_state_dict(dict(loss=1.0, epoch=3))


def test_backbones_are_found_in_both_formats_of_a_teacher():
    ours = tensors('backbone.a', 'teacher.module.backbone.a')
    theirs = tensors('backbone.a', 'momentum_encoder.module.0.a')
    found = detect_format(ours)
    assert found.find_prefix(ours, 'student') == 'backbone.'
    assert found.find_prefix(ours, 'teacher') == 'teacher.module.backbone.'
    found = detect_format(theirs)
    assert found.find_prefix(theirs, 'teacher') == 'momentum_encoder.module.0.'


def test_a_missing_part_is_told_with_those_that_are_there():
    state = tensors('backbone.a', 'backbone.b', 'neck.c', 'queue.feats')
    with pytest.raises(
        ValueError,
        match=r'teacher.*backbone: backbone \(2 tensors\), neck \(1\), queue \(1\)',
    ):
        detect_format(state).find_prefix(state, 'teacher')
    with pytest.raises(
        ValueError, match=r"one of 'student', 'teacher', 'ema', got 'both'"
    ):
        detect_format(state).find_prefix(state, 'both')


def test_the_parts_of_a_teacher_are_listed_apart():
    state = tensors(
        'teacher.module.backbone.a', 'teacher.module.neck.b', 'teacher.steps'
    )
    listed = 'teacher.module.backbone (1 tensor), teacher.module.neck (1), teacher (1)'
    assert list_modules(state) == listed


def test_a_checkpoint_tells_the_model_of_its_config():
    text = "lr = f(3)\nmodel = dict(\n  backbone=dict(type='ResNet'), type='MoCo')\n"
    meta = dict(cfg=text, epoch=3, iter=120)
    described = str(Checkpoint('a.pth', dict(state_dict=tensors('a'), meta=meta)))
    assert described == 'a checkpoint of MoCo, epoch 3, iter 120'


@pytest.mark.parametrize('text', ['', 'no python (', 'model = build()', None, 5])
def test_a_checkpoint_without_a_readable_config_tells_its_parts(text):
    content = dict(state_dict=tensors('fc.weight', 'fc.bias'), meta=dict(cfg=text))
    assert str(Checkpoint('a.pth', content)) == (
        'a file with fc (2 tensors) that does not name its model'
    )


def test_the_text_of_a_config_is_never_run(tmp_path):
    text = f"model = dict(type=open({str(tmp_path / 'made')!r}, 'w').name)"
    str(Checkpoint('a.pth', dict(state_dict=tensors('a'), meta=dict(cfg=text))))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ('config', 'name'),
    [
        (dict(type='ResNet', depth=18), 'ResNet-18'),
        (dict(type='ResNet', depth=34), 'ResNet-34'),
        (dict(type='ResNet', depth=50, base_channels=4, stem_channels=4), 'ResNet-50'),
        (dict(type='ConvNeXt', arch=dict(depths=[1, 2], channels=[8, 8])), 'ConvNeXt'),
        (
            dict(
                type='SwinTransformer',
                arch=dict(embed_dims=8, depths=[1, 1, 2, 1], num_heads=[1] * 4),
            ),
            'Swin with 1-1-2-1 blocks',
        ),
        (
            dict(
                type='VisionTransformer',
                img_size=32,
                arch=dict(
                    embed_dims=8, num_layers=2, num_heads=1, feedforward_channels=8
                ),
            ),
            'ViT with 2 blocks',
        ),
    ],
)
def test_architectures_of_mmpretrain_are_recognized(config, name):
    from mmpretrain.registry import MODELS

    backbone = MODELS.build(config)
    assert describe_architecture(backbone.state_dict()).startswith(name)


def test_unknown_architectures_are_said_to_be():
    assert describe_architecture(nn.Linear(2, 3).state_dict()) == 'unknown'
