import pytest
import torch
from mmengine.optim import build_optim_wrapper
from mmengine.registry import OPTIMIZERS
from mmpretrain.registry import MODELS

from rsp.engine.optim.grouped_constructor import merge


def optimizer_of(model):
    return build_optim_wrapper(
        model,
        dict(
            constructor='rsp.GroupedOptimWrapperConstructor',
            optimizer=dict(
                type='mmpretrain.Adan',
                lr=0.1,
                betas=(0.98, 0.92, 0.99),
                weight_decay=0.02,
            ),
            paramwise_cfg=dict(
                norm_decay_mult=0.0, bias_decay_mult=0.0, flat_decay_mult=0.0
            ),
        ),
    ).optimizer


@pytest.fixture
def model():
    width = 96
    return MODELS.build(
        dict(
            type='rsp.CMID',
            backbone=dict(
                type='rsp.MaskedSwinTransformer',
                arch=dict(embed_dims=12, depths=[1] * 4, num_heads=[1, 1, 2, 2]),
                img_size=64,
            ),
            reconstruction=dict(
                type='rsp.ReconstructionHead',
                decoder=dict(
                    type='SimMIMLinearDecoder', in_channels=width, encoder_stride=32
                ),
            ),
            neck=dict(type='rsp.Projector', widths=[width, 16, 6]),
            head=dict(type='ContrastiveHead', loss=dict(type='CrossEntropyLoss')),
            queue=dict(dim=6, length=12),
            local_neck=dict(
                type='rsp.PrototypeNeck',
                in_channels=width,
                hidden_channels=8,
                out_channels=4,
                num_prototypes=9,
            ),
            local_head=dict(type='rsp.SelfDistillationHead', num_prototypes=9),
        )
    )


def test_decay_reaches_tensors_of_two_dimensions_and_more(model):
    groups = optimizer_of(model).param_groups
    decayed = {
        id(p): group['weight_decay'] == 0.02
        for group in groups
        for p in group['params']
    }
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            assert decayed[id(parameter)] == (parameter.ndim > 1), name
    names = ('backbone.mask_token', 'local_neck.prototypes')
    assert all(decayed[id(model.get_parameter(name))] for name in names)
    tables = [p for n, p in model.named_parameters() if 'bias_table' in n]
    assert any(decayed.get(id(p)) for p in tables)


def test_only_trainable_parameters_are_in_few_groups(model):
    """No tensor of the teacher."""
    groups = optimizer_of(model).param_groups
    trainable = [p for p in model.parameters() if p.requires_grad]
    members = [p for group in groups for p in group['params']]
    assert len(members) == len(trainable)
    assert {id(p) for p in members} == {id(p) for p in trainable}
    assert len(groups) == 2
    teacher = {id(p) for p in model.teacher.parameters()}
    assert not teacher & {id(p) for p in members}


def test_groups_of_the_same_options_become_one():
    a, b, c = (torch.zeros(2, requires_grad=True) for _ in range(3))
    frozen = torch.zeros(2)
    merged = merge(
        [
            dict(params=[a], lr=1.0),
            dict(params=b, lr=2.0),
            dict(params=[c, frozen], lr=1.0),
            dict(params=[frozen], lr=3.0),
        ]
    )
    assert [group['lr'] for group in merged] == [1.0, 2.0]
    assert [len(group['params']) for group in merged] == [2, 1]
    assert merged[0]['params'][1] is c


@pytest.mark.parametrize('foreach', [True, False])
def test_adan_takes_the_published_steps(foreach):
    """Compare mmpretrain's optimizer with numbers computed by hand."""
    p = torch.ones(1, dtype=torch.float64, requires_grad=True)
    adan = OPTIMIZERS.build(
        dict(
            type='mmpretrain.Adan',
            params=[p],
            lr=0.1,
            betas=(0.98, 0.92, 0.99),
            weight_decay=0.02,
            foreach=foreach,
        )
    )
    for gradient, expected in ((1, 0.8982036), (1, 0.7966104), (2, 0.7062228)):
        p.grad = torch.full_like(p, gradient)
        adan.step()
        assert p.item() == pytest.approx(expected, abs=1e-7)
