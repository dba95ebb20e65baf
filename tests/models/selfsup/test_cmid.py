"""CMID's step, on small networks and random images."""

import copy

import pytest
import torch
from mmpretrain.structures import DataSample
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm
from torch.testing import assert_close

from rsp.engine.hooks.reconstruction import relative_error
from rsp.models.selfsup import CMID
from rsp.ops.masking import mask_fill
from rsp.ops.patches import patch_centers

RESNET = dict(type='rsp.MaskedResNet', depth=18, stem_channels=8, base_channels=4)
SWIN = dict(
    type='rsp.MaskedSwinTransformer',
    arch=dict(embed_dims=8, depths=[1] * 4, num_heads=[1] * 4),
    img_size=64,
    drop_path_rate=0.0,
    stage_cfgs=dict(block_cfgs=dict(window_size=2)),
)
VIT = dict(
    type='rsp.MaskedVisionTransformer',
    arch=dict(embed_dims=24, num_layers=2, num_heads=2, feedforward_channels=48),
    img_size=64,
    patch_size=16,
)
LOSSES = ('loss_spatial', 'loss_frequency', 'loss_global', 'loss_local')


def cmid(backbone=RESNET, width=32, stride=32, norm='BN1d', **kwargs):
    cfg = dict(
        backbone=copy.deepcopy(backbone),
        reconstruction=dict(
            type='rsp.ReconstructionHead',
            decoder=dict(
                type='SimMIMLinearDecoder', in_channels=width, encoder_stride=stride
            ),
        ),
        neck=dict(type='rsp.Projector', widths=[width, 16, 6]),
        head=dict(
            type='ContrastiveHead',
            loss=dict(type='CrossEntropyLoss'),
            temperature=0.2,
        ),
        queue=dict(dim=6, length=12),
        local_neck=dict(
            type='rsp.PrototypeNeck',
            in_channels=width,
            hidden_channels=8,
            out_channels=4,
            num_prototypes=9,
            norm_cfg=dict(type=norm) if norm else None,
        ),
        local_head=dict(type='rsp.SelfDistillationHead', num_prototypes=9),
        num_matches=3,
    )
    model = CMID(**(cfg | kwargs))
    model.init_weights()
    return model.train()


def without_norm(**kwargs):
    """No batch norm: every image stays by itself."""
    return cmid(VIT, width=24, stride=16, norm=None, **kwargs)


def batch(images=3, grid=2, dtype=torch.float32, seed=0, size=64):
    g = torch.Generator().manual_seed(seed)
    views = [torch.randn(images, 3, size, size, generator=g) for _ in range(2)]
    masks = torch.zeros(images, 2, 16, dtype=torch.uint8)
    order = torch.rand(images, 2, 16, generator=g).argsort(-1)
    masks.scatter_(2, order[..., :10], 1)
    boxes = torch.randint(1, size, (images, 2, 4), generator=g).tolist()
    positions = torch.stack(
        [
            torch.stack([patch_centers(box, n % 2 == 1, (grid, grid)) for box in pair])
            for n, pair in enumerate(boxes)
        ]
    )
    samples = DataSample()
    samples.set_field(masks.unflatten(2, (4, 4)), 'masks')
    samples.set_field(positions, 'positions')
    return [view.to(dtype) for view in views], samples


def pick(inputs, samples, order):
    """The same batch with other images, or in another order."""
    chosen = DataSample()
    for name in ('masks', 'positions'):
        chosen.set_field(samples.get(name)[order], name)
    return [view[order] for view in inputs], chosen


def total(losses):
    return sum(value for name, value in losses.items() if 'loss' in name)


def gradients(model, loss):
    model.zero_grad()
    loss.backward()
    return {
        name: p.grad
        for name, p in model.named_parameters()
        if p.grad is not None and p.grad.abs().max() > 0
    }


def parts(names):
    return {name.split('.')[0] for name in names}


# The four losses ---------------------------------------------------------------


def test_four_losses_and_values_for_display():
    losses = cmid().loss(*batch())
    assert {name for name in losses if 'loss' in name} == set(LOSSES)
    assert set(losses) - set(LOSSES) == {
        'contrast_top1',
        'positive_similarity',
        'negative_similarity',
    }


@pytest.mark.parametrize('name', LOSSES)
def test_each_loss_trains_its_own_parts(name):
    heads = dict(
        loss_spatial='reconstruction',
        loss_frequency='reconstruction',
        loss_global='neck',
        loss_local='local_neck',
    )
    model = cmid()
    trained = parts(gradients(model, model.loss(*batch())[name]))
    assert trained == {'backbone', heads[name]}


def test_loss_weights_are_factors():
    model = without_norm()
    other = copy.deepcopy(model)
    other.loss_weights = dict.fromkeys(LOSSES, 2.0) | dict(loss_local=0.5)
    first, second = model.loss(*batch(grid=4)), other.loss(*batch(grid=4))
    for name in LOSSES:
        factor = 0.5 if name == 'loss_local' else 2.0
        assert_close(second[name], factor * first[name])
    assert torch.equal(first['contrast_top1'], second['contrast_top1'])


def test_swapping_the_views_changes_nothing_but_the_order_of_the_center():
    """The sums are symmetric; the center of the first term is zero."""
    model = without_norm()
    model.local_head.center_momentum = 0.0
    inputs, samples = batch(grid=4)
    swapped = DataSample()
    for name in ('masks', 'positions'):
        swapped.set_field(samples.get(name).flip(1), name)
    first = copy.deepcopy(model).loss(inputs, samples)
    second = copy.deepcopy(model).loss(inputs[::-1], swapped)
    for name in LOSSES:
        assert_close(first[name], second[name])


@pytest.mark.parametrize('make', [cmid, without_norm])
def test_permuting_the_batch_changes_nothing(make):
    grid = 4 if make is without_norm else 2
    inputs, samples = batch(4, grid, torch.float64)
    model = make().double()
    first = copy.deepcopy(model).loss(inputs, samples)
    order = torch.tensor([2, 0, 3, 1])
    second = copy.deepcopy(model).loss(*pick(inputs, samples, order))
    for name in LOSSES:
        assert_close(first[name], second[name], rtol=1e-9, atol=1e-9)


def test_projections_may_have_any_length():
    model = without_norm()
    scaled = copy.deepcopy(model)
    with torch.no_grad():
        for neck in (scaled.neck, scaled.teacher.module['neck']):
            neck.mlp[2].weight.mul_(3)
            neck.mlp[2].bias.mul_(3)
    first, second = model.loss(*batch(grid=4)), scaled.loss(*batch(grid=4))
    assert_close(first['loss_global'], second['loss_global'])


@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
def test_autocast_changes_losses_by_less_than_a_hundredth(dtype):
    """Also for a batch of one image."""
    model = without_norm()
    inputs, samples = batch(1, grid=4)
    reference = copy.deepcopy(model).loss(inputs, samples)
    with torch.autocast('cpu', dtype=torch.bfloat16, enabled=dtype != torch.float32):
        losses = model.loss(inputs, samples)
    for name in LOSSES:
        assert losses[name].dtype == torch.float32
        assert losses[name].item() == pytest.approx(reference[name].item(), rel=2e-2)


# Who sees what -----------------------------------------------------------------


def test_the_teacher_never_sees_a_filled_image(monkeypatch):
    """NaN in place of the fill reaches the student alone."""
    model = without_norm()
    seen = []
    model.teacher.module['backbone'].register_forward_hook(
        lambda _, inputs, output: seen.append(output[-1])
    )
    monkeypatch.setattr(
        'rsp.models.selfsup.cmid.mask_fill', lambda images, mask: images * float('nan')
    )
    losses = model.loss(*batch(grid=4))
    assert len(seen) == 2
    assert all(output.isfinite().all() for output in seen)
    assert losses['loss_spatial'].isnan()


def test_the_student_sees_masked_views_with_their_masks():
    model = without_norm()
    calls = []
    model.backbone.register_forward_pre_hook(
        lambda _, args, kwargs: calls.append((args[0], kwargs['mask'])),
        with_kwargs=True,
    )
    inputs, samples = batch(grid=4)
    model.loss(inputs, samples)
    for (image, mask), view, own in zip(
        calls, inputs, samples.masks.unbind(1), strict=True
    ):
        assert torch.equal(mask, own)
        visible = own.repeat_interleave(16, 1).repeat_interleave(16, 2) == 0
        assert torch.equal(image[:, 0][visible], view[:, 0][visible])
        assert not torch.equal(image, view)


def test_views_pass_batch_norm_one_after_the_other_unless_fused():
    model, fused = cmid(), cmid(fuse_views=True)
    fused.load_state_dict(model.state_dict())
    losses, mixed = model.loss(*batch()), fused.loss(*batch())
    assert model.backbone.bn1.num_batches_tracked == 2
    assert fused.backbone.bn1.num_batches_tracked == 1
    assert not torch.equal(losses['loss_spatial'], mixed['loss_spatial'])


def test_without_batch_norm_fusing_changes_nothing():
    model = without_norm()
    fused = copy.deepcopy(model)
    fused.fuse_views = True
    first, second = model.loss(*batch(grid=4)), fused.loss(*batch(grid=4))
    for name in LOSSES:
        assert_close(first[name], second[name])


# Queue, center, teacher --------------------------------------------------------


def test_keys_are_queued_after_they_were_needed():
    """Second view first; no query meets its own key as a negative."""
    model = without_norm()
    before = model.queue.feats.clone()
    inputs, samples = batch(grid=4)
    losses = model.loss(inputs, samples)
    after = model.queue.feats
    assert model.queue.ptr.item() == 6
    assert torch.equal(after[:, 6:], before[:, 6:])
    teacher = model.teacher.module
    for slot, view in ((0, inputs[1]), (3, inputs[0])):
        vectors = teacher['neck']((teacher['backbone'](view)[-1].mean((2, 3)),))[0]
        assert_close(
            after[:, slot : slot + 3], (vectors / vectors.norm(dim=1)[:, None]).T
        )
    assert losses['negative_similarity'].abs() < 0.9


def test_a_fresh_queue_holds_unit_columns():
    norms = cmid(queue=dict(dim=6, length=500)).queue.feats.norm(dim=0)
    assert_close(norms, torch.ones(500), rtol=0, atol=1e-5)


def test_the_teacher_starts_as_the_student_and_has_no_token():
    model = cmid()
    own = model.teacher.module.state_dict()
    theirs = model.student.state_dict()
    assert set(theirs) - set(own) == {'backbone.mask_token'}
    assert all(torch.equal(tensor, theirs[name]) for name, tensor in own.items())
    assert parts(own) == {'backbone', 'neck', 'local_neck'}


def test_the_teacher_gets_no_gradient():
    model = cmid()
    total(model.loss(*batch())).backward()
    for parameter in model.teacher.parameters():
        assert not parameter.requires_grad
        assert parameter.grad is None


def test_every_trainable_parameter_learns():
    """DistributedDataParallel would stop at one that does not."""
    for model, grid in ((cmid(), 2), (without_norm(), 4)):
        model.zero_grad()
        total(model.loss(*batch(grid=grid))).backward()
        idle = [
            n for n, p in model.named_parameters() if p.requires_grad and p.grad is None
        ]
        assert not idle


def test_the_teacher_keeps_its_own_statistics():
    model = cmid(teacher=dict(momentum=0.5))
    model.loss(*batch())
    before = {k: v.clone() for k, v in model.teacher.named_buffers()}
    model.teacher.update_parameters(model.student)
    for name, buffer in model.teacher.named_buffers():
        if name != 'steps':
            assert torch.equal(buffer, before[name])
    student = model.backbone.bn1.running_mean
    assert not torch.equal(model.teacher.module['backbone'].bn1.running_mean, student)


def test_without_steps_only_queue_center_and_statistics_move():
    model = cmid()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    first, second = model.loss(*batch()), model.loss(*batch())
    changed = {
        k for k, v in model.state_dict().items() if not torch.equal(v, before[k])
    }
    allowed = ('running_', 'num_batches', 'queue.', 'local_head.center')
    assert changed
    assert all(any(part in name for part in allowed) for name in changed)
    assert torch.equal(first['loss_spatial'], second['loss_spatial'])
    assert not torch.equal(first['loss_global'], second['loss_global'])
    assert not torch.equal(first['loss_local'], second['loss_local'])


# Variants ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ('backbone', 'width', 'stride', 'grid'),
    [
        (RESNET, 32, 32, 2),
        (dict(RESNET, depth=50), 128, 32, 2),
        (SWIN, 64, 32, 2),
        (VIT, 24, 16, 4),
    ],
    ids=['resnet18', 'resnet50', 'swin', 'vit'],
)
def test_reconstruction_and_local_loss_fall_on_a_fixed_batch(
    backbone, width, stride, grid
):
    model = cmid(backbone, width, stride, neck=None)
    model.local_head.center_momentum = 0.0
    optimizer = torch.optim.Adam(
        [p for p in model.parameters() if p.requires_grad], 3e-3
    )
    values = []
    for _ in range(12):
        losses = model.loss(*batch(grid=grid))
        optimizer.zero_grad()
        total(losses).backward()
        optimizer.step()
        values.append({name: value.item() for name, value in losses.items()})
    for name in ('loss_spatial', 'loss_frequency', 'loss_local'):
        assert values[-1][name] < values[0][name], name


def test_branches_can_be_left_out():
    names = {
        (True, False): {'loss_spatial', 'loss_frequency', 'loss_global'},
        (False, True): {'loss_spatial', 'loss_frequency', 'loss_local'},
        (False, False): {'loss_spatial', 'loss_frequency'},
    }
    for (globally, locally), expected in names.items():
        left_out = dict.fromkeys(
            ['neck'] * (not globally) + ['local_neck'] * (not locally)
        )
        model = cmid(**left_out)
        losses = model.loss(*batch())
        assert {name for name in losses if 'loss' in name} == expected
        assert ('queue.feats' in model.state_dict()) == globally
        assert ('local_head.center' in model.state_dict()) == locally


def byol(**kwargs):
    mlp = dict(
        type='NonLinearNeck',
        num_layers=2,
        with_bias=True,
        with_last_bn=False,
        with_avg_pool=False,
        norm_cfg=dict(type='BN1d'),
    )
    return cmid(
        neck=dict(mlp, in_channels=32, hid_channels=16, out_channels=6),
        head=dict(
            type='LatentPredictHead',
            loss=dict(type='CosineSimilarityLoss', shift_factor=2.0, scale_factor=2.0),
            predictor=dict(mlp, in_channels=6, hid_channels=8, out_channels=6),
        ),
        queue=None,
        **kwargs,
    )


def test_the_predictor_variant_compares_directions():
    """BYOL's 2 - 2 cos, both ways, averaged; no queue."""
    model = byol()
    inputs, samples = batch()
    expected = copy.deepcopy(model)
    losses = model.loss(inputs, samples)
    assert 'queue.feats' not in model.state_dict()
    masks = samples.masks.unbind(1)
    student = expected.encode(
        expected.backbone,
        [mask_fill(view, mask) for view, mask in zip(inputs, masks, strict=True)],
        masks,
    )
    teacher = expected.encode(expected.teacher.module['backbone'], inputs)
    values = []
    for here, there in ((0, 1), (1, 0)):
        queries = expected.neck((student[here].mean((2, 3)),))
        prediction = expected.head.predictor(queries)[0]
        goal = expected.teacher.module['neck']((teacher[there].mean((2, 3)),))[0]
        cosine = torch.cosine_similarity(prediction, goal.detach(), dim=1)
        values.append((2 - 2 * cosine).mean())
    assert_close(losses['loss_global'], sum(values) / 2)
    trained = parts(gradients(model, losses['loss_global']))
    assert trained == {'backbone', 'neck', 'head'}


# Pictures ----------------------------------------------------------------------


def test_a_reconstructed_image_keeps_what_is_visible():
    model = cmid()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    inputs, samples = batch()
    clean, masked, reconstructed = model.reconstruct(inputs, samples)
    mask = samples.masks[:, 0].repeat_interleave(16, 1).repeat_interleave(16, 2)
    visible = (mask == 0)[:, None].expand_as(clean)
    assert torch.equal(clean, inputs[0])
    assert torch.equal(reconstructed[visible], clean[visible])
    assert (reconstructed[~visible] != masked[~visible]).float().mean() > 0.99
    # No statistic moves, and training goes on in training mode.
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    assert model.training
    assert model.backbone.bn1.training


# State -------------------------------------------------------------------------


def test_a_state_dict_round_trip_gives_the_same_next_step():
    model, other = cmid(), cmid()
    model.loss(*batch())
    other.load_state_dict(model.state_dict())
    mine, theirs = (one.loss(*batch(seed=1)) for one in (model, other))
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)


def test_the_state_has_the_promised_names():
    names = set(cmid().state_dict())
    for name in (
        'backbone.conv1.weight',
        'backbone.mask_token',
        'neck.mlp.0.weight',
        'local_neck.prototypes',
        'local_head.center',
        'reconstruction.decoder.decoder.0.weight',
        'teacher.module.backbone.conv1.weight',
        'teacher.module.local_neck.prototypes',
        'queue.feats',
        'queue.ptr',
    ):
        assert name in names


# Refusals ----------------------------------------------------------------------


def test_a_backbone_without_a_token_is_refused():
    with pytest.raises(ValueError, match=r'with a mask token, got ResNet; use'):
        cmid(dict(RESNET, type='ResNet'))


@pytest.mark.parametrize(
    ('missing', 'message'),
    [
        ('head', "expected 'head' with 'neck', got none; set neck=None"),
        ('local_head', "expected 'local_head' with 'local_neck', got none; set local"),
    ],
)
def test_a_branch_without_its_head_is_refused(missing, message):
    with pytest.raises(ValueError, match=message):
        cmid(**{missing: None})


def test_unknown_loss_weights_are_refused():
    with pytest.raises(ValueError, match=r"one of 'loss_spatial', .*got 'spatial'"):
        cmid(loss_weights=dict(spatial=1.0))


def test_more_matches_than_patches_are_refused():
    with pytest.raises(ValueError, match=r"'num_matches' .* between 1 and 4, got 20"):
        cmid(num_matches=20).loss(*batch())


def test_positions_of_another_grid_are_refused():
    with pytest.raises(ValueError, match=r'of the map, \(2, 2\), got \(4, 4\); set'):
        cmid().loss(*batch(grid=4))


def test_an_image_the_stride_does_not_divide_is_refused():
    with pytest.raises(ValueError, match=r"divisible by the backbone's stride"):
        cmid().loss(*batch(size=48, grid=2))


def test_samples_without_masks_are_refused():
    inputs, samples = batch()
    bare = DataSample()
    bare.set_field(samples.masks, 'masks')
    with pytest.raises(ValueError, match=r"expected 'positions'.*rsp\.MaskedTwoCrop"):
        cmid().loss(inputs, bare)


def test_too_large_a_step_is_refused_before_training():
    model = cmid()
    model.preflight(None, batch_size=6)
    with pytest.raises(ValueError, match=r'16 keys per step do not fit a queue of 12'):
        model.preflight(None, batch_size=8)


def test_batch_norm_layers_exist_only_where_asked_for():
    """The Swin path has none at all."""
    model = cmid(SWIN, width=64, norm=None)
    assert not any(isinstance(m, _BatchNorm) for m in model.modules())


def test_onto_the_fill_a_decoder_of_zeros_restores_the_masked_image():
    model = cmid()
    model.reconstruction.residual = True
    for parameter in model.reconstruction.parameters():
        torch.nn.init.zeros_(parameter)
    _, masked, reconstructed = model.reconstruct(*batch())
    assert torch.equal(reconstructed, masked)


def test_a_swin_learns_by_heart_what_is_hidden():
    model = cmid(SWIN, width=64, norm=None, neck=None, local_neck=None)
    model.reconstruction.residual = True
    inputs, samples = batch(images=2)
    # Colors that change slowly: a masked patch follows from those beside it.
    inputs = [
        F.interpolate(view[..., :3, :3], size=64, mode='bilinear') for view in inputs
    ]
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(40):
        optimizer.zero_grad()
        total(model.loss(inputs, samples)).backward()
        optimizer.step()
    assert relative_error(*model.reconstruct(inputs, samples)) < 0.7
