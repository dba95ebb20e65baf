"""GeoKR, one process: the step, the teacher, and what it refuses."""

import copy
from types import SimpleNamespace

import pytest
import torch
from mmpretrain.structures import DataSample
from torch import nn
from torch.testing import assert_close

from rsp.models.selfsup import GeoKR
from rsp.ops.cross_entropy import (
    kl_divergence,
    reverse_cross_entropy,
    soft_cross_entropy,
)

RESNET = dict(type='ResNet', depth=18, stem_channels=8, base_channels=4)
LOSSES = ('loss_land_cover', 'loss_consistency')


def geokr(backbone=RESNET, width=32, classes=5, head=None, **kwargs):
    model = GeoKR(
        backbone=backbone,
        classifier=dict(type='rsp.Projector', widths=[width, classes]),
        head=dict(type='rsp.LandCoverHead', num_classes=classes, **(head or {})),
        **kwargs,
    )
    model.init_weights()
    return model.train()


def batch(count=3, classes=5, bands=3, size=32, seed=0, dtype=torch.float32):
    """Images, and samples with fractions of which every row has sum 1."""
    g = torch.Generator().manual_seed(seed)
    images = torch.rand(count, bands, size, size, generator=g, dtype=dtype)
    shares = torch.rand(count, classes, generator=g, dtype=dtype)
    samples = DataSample()
    samples.set_field(shares / shares.sum(1, keepdim=True), 'gt_score')
    return images, samples


def total(losses):
    return sum(value for name, value in losses.items() if 'loss' in name)


class Flat(nn.Module):
    """A backbone whose output is its input's pixels."""

    def forward(self, images):
        return (images.flatten(1),)


def identity():
    """Backbone and classifier that hand the pixels on as scores."""
    model = GeoKR(Flat(), nn.Identity(), dict(type='rsp.LandCoverHead', num_classes=4))
    model.classifier = Last()
    model.teacher.module['classifier'] = Shifted()
    return model


class Last(nn.Module):
    def forward(self, feats):
        return (feats[-1],)


class Shifted(nn.Module):
    """A teacher of other scores: three times the student's, in reverse."""

    def forward(self, feats):
        return (3 * feats[-1].flip(1),)


def test_losses_are_those_computed_by_hand():
    model = identity()
    images, samples = batch(count=3, classes=4, bands=1, size=2, dtype=torch.float64)
    losses = model.loss(images, samples)
    scores = images.flatten(1)
    expected = soft_cross_entropy(scores, samples.gt_score)
    assert_close(losses['loss_land_cover'], expected)
    expected = reverse_cross_entropy(scores, 3 * scores.flip(1))
    assert_close(losses['loss_consistency'], expected)


def test_the_true_divergence_is_an_option():
    images, samples = batch()
    torch.manual_seed(0)
    published = geokr()
    torch.manual_seed(0)
    true = geokr(head=dict(consistency='kl', reduction='batchmean'))
    # Teacher and student are one at the start: nothing diverges.
    assert true.loss(images, samples)['loss_consistency'].item() == pytest.approx(0)
    first, second = published.loss(images, samples), true.loss(images, samples)
    assert first['loss_consistency'] > 0.1
    assert_close(second['loss_land_cover'], 5 * first['loss_land_cover'])
    scores = torch.randn(2, 5)
    labels = samples.gt_score[:2]
    losses = true.head.loss(scores, scores.flip(0), labels)
    expected = kl_divergence(scores, scores.flip(0), 'batchmean')
    assert_close(losses['loss_consistency'], expected)


def test_a_list_of_samples_is_a_batch_too():
    model = geokr()
    images, samples = batch()
    expected = copy.deepcopy(model).loss(images, samples)
    one_by_one = [DataSample().set_gt_score(row) for row in samples.gt_score]
    losses = model.loss(images, one_by_one)
    for name in LOSSES:
        assert torch.equal(losses[name], expected[name])


def test_what_is_displayed():
    model = identity()
    images = torch.tensor([[3.0, 0, 0, 0], [0, 2, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    samples = DataSample()
    labels = torch.zeros(4, 4)
    labels[0, 0] = labels[1, 1] = labels[2, 0] = 1  # two of three, and none
    samples.set_field(labels, 'gt_score')
    losses = model.loss(images.view(4, 1, 2, 2), samples)
    assert losses['land_cover_top1'].item() == pytest.approx(200 / 3)
    assert losses['unlabeled'].item() == 25
    assert 'loss' not in ''.join(losses.keys() - set(LOSSES))
    samples.set_field(torch.zeros(4, 4), 'gt_score')
    losses = model.loss(images.view(4, 1, 2, 2), samples)
    assert losses['loss_land_cover'] == 0
    assert losses['land_cover_top1'] == 0
    assert losses['unlabeled'] == 100


def test_an_image_without_label_has_no_land_cover_loss_but_consistency():
    model = geokr()
    images, samples = batch()
    samples.set_field(torch.zeros_like(samples.gt_score), 'gt_score')
    losses = model.loss(images, samples)
    assert losses['loss_land_cover'] == 0
    assert losses['loss_consistency'] > 0
    total(losses).backward()
    assert all(
        torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None
    )


def test_permuting_the_batch_changes_nothing():
    model = geokr().double()
    images, samples = batch(4, dtype=torch.float64)
    first = copy.deepcopy(model).loss(images, samples)
    order = torch.tensor([2, 0, 3, 1])
    samples.set_field(samples.gt_score[order], 'gt_score')
    second = model.loss(images[order], samples)
    for name in LOSSES:
        assert_close(first[name], second[name], rtol=1e-9, atol=1e-12)


def test_the_teacher_gets_no_gradient_and_does_not_move():
    model = geokr()
    before = {n: p.clone() for n, p in model.teacher.named_parameters()}
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad])
    total(model.loss(*batch())).backward()
    optimizer.step()
    for name, parameter in model.teacher.named_parameters():
        assert not parameter.requires_grad
        assert parameter.grad is None
        assert torch.equal(parameter, before[name])


def test_the_teacher_matters_to_the_consistency_alone():
    model = geokr()
    first = copy.deepcopy(model).loss(*batch())
    with torch.no_grad():
        model.teacher.module['classifier'].mlp[0].bias[0] += 1
    second = model.loss(*batch())
    assert torch.equal(first['loss_land_cover'], second['loss_land_cover'])
    assert not torch.equal(first['loss_consistency'], second['loss_consistency'])


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_a_step_under_autocast_is_finite_and_nearly_the_same(dtype):
    model = geokr()
    reference = copy.deepcopy(model).loss(*batch())
    with torch.autocast('cpu', dtype=dtype):
        losses = model.loss(*batch())
    for name in LOSSES:
        assert losses[name].dtype == torch.float32
        assert losses[name].item() == pytest.approx(reference[name].item(), rel=2e-2)
    total(losses).backward()
    assert torch.isfinite(model.backbone.conv1.weight.grad).all()


@pytest.mark.parametrize(
    ('updates', 'value'),
    [(1, 0.05), (2, 0.0975), (5, 0.2262), (14, 0.5123), (33, 0.8160)],
)
def test_updates_follow_the_closed_form(updates, value):
    """The published 0.95 is the default."""
    model = geokr().double()
    for parameter in model.teacher.parameters():
        nn.init.zeros_(parameter)
    for parameter in model.student.parameters():
        nn.init.ones_(parameter)
    for _ in range(updates):
        model.teacher.update_parameters(model.student)
    for parameter in model.teacher.parameters():
        assert parameter.min().item() == pytest.approx(1 - 0.95**updates, abs=1e-12)
        assert parameter.max().item() == pytest.approx(value, abs=5e-5)


def test_buffers_are_not_averaged():
    """The teacher's batch norm has statistics of its own batches."""
    model = geokr(teacher=dict(momentum=1.0))
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], 0.1)
    for seed in range(2):
        total(model.loss(*batch(seed=seed))).backward()
        optimizer.step()
    model.teacher.update_parameters(model.student)
    theirs = dict(model.student.named_parameters())
    for name, parameter in model.teacher.module.named_parameters():
        assert torch.equal(parameter, theirs[name])
    own = model.teacher.module['backbone']
    assert own.bn1.num_batches_tracked == 2
    assert not torch.equal(
        own.layer1[0].bn1.running_mean, model.backbone.layer1[0].bn1.running_mean
    )


def test_the_teacher_starts_as_the_student():
    model = geokr()
    for name, tensor in model.student.state_dict().items():
        assert torch.equal(model.teacher.module.state_dict()[name], tensor)
    model.eval()
    images, _ = batch()
    teacher = model.teacher.module
    assert torch.equal(teacher['backbone'](images)[-1], model.backbone(images)[-1])


def test_both_see_the_same_tensor_in_train_mode():
    model = geokr()
    seen = []
    for backbone in (model.backbone, model.teacher.module['backbone']):
        backbone.register_forward_pre_hook(
            lambda module, inputs: seen.append((inputs[0], module.training))
        )
    images, samples = batch()
    model.loss(images, samples)
    assert all(tensor is images and training for tensor, training in seen)
    assert len(seen) == 2


@pytest.mark.parametrize(
    ('backbone', 'width'),
    [
        (RESNET, 32),
        (dict(RESNET, depth=50), 128),
        (dict(type='rsp.VGG', depth=11), 512),
        (dict(type='rsp.VGG', depth=11, norm_cfg=dict(type='BN')), 512),
    ],
    ids=['resnet18', 'resnet50', 'vgg11', 'vgg11_bn'],
)
def test_the_loss_falls_on_a_fixed_batch(backbone, width):
    model = geokr(backbone, width)
    optimizer = torch.optim.Adam(
        [p for p in model.parameters() if p.requires_grad], 1e-3
    )
    values = []
    for _ in range(5):
        losses = model.loss(*batch())
        optimizer.zero_grad()
        total(losses).backward()
        optimizer.step()
        values.append(losses['loss_land_cover'].item())
    assert values[-1] < values[0]


def test_every_trainable_parameter_learns():
    """DistributedDataParallel would stop at one that does not."""
    model = geokr()
    total(model.loss(*batch())).backward()
    idle = [
        n for n, p in model.named_parameters() if p.requires_grad and p.grad is None
    ]
    assert not idle


def test_a_hidden_layer_is_a_width_more():
    model = GeoKR(
        backbone=RESNET,
        classifier=dict(type='rsp.Projector', widths=[32, 16, 5]),
        head=dict(type='rsp.LandCoverHead', num_classes=5),
    )
    assert 'teacher.module.classifier.mlp.2.weight' in model.state_dict()
    assert torch.isfinite(total(model.loss(*batch())))


def test_a_state_dict_round_trip_gives_the_same_next_step():
    model, other = geokr(), geokr()
    model.loss(*batch())
    model.teacher.update_parameters(model.student)
    other.load_state_dict(model.state_dict())
    mine, theirs = (one.loss(*batch(seed=1)) for one in (model, other))
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)


# Refusals ----------------------------------------------------------------------


def test_images_without_fractions_are_refused():
    images, _ = batch()
    for samples in (DataSample(), [DataSample()] * 3):
        with pytest.raises(ValueError, match=r"expected 'gt_score'.*LandCoverImages"):
            geokr().loss(images, samples)


def test_fractions_of_other_classes_are_refused():
    images, _ = batch()
    _, samples = batch(classes=4)
    with pytest.raises(ValueError, match=r'shape \(3, 5\), .*got \(3, 4\)'):
        geokr().loss(images, samples)


def test_other_classes_are_refused_before_training():
    model = geokr()

    def dataset(classes):
        return SimpleNamespace(metainfo=dict(classes=classes))

    model.preflight(dataset(['a', 'b', ('c', 'd'), 'e', 'f']), batch_size=1)
    model.preflight(object(), batch_size=1)
    with pytest.raises(ValueError, match=r'expected 5 land-cover classes.*got 2.*a, b'):
        model.preflight(dataset(['a', 'b']), batch_size=1)


@pytest.mark.parametrize(
    ('setting', 'message'),
    [
        (dict(consistency='mse'), r"one of 'cross_entropy', 'kl', got 'mse'"),
        (dict(reduction='sum'), r"one of 'mean', 'batchmean', got 'sum'"),
    ],
)
def test_unknown_settings_of_the_head_are_refused(setting, message):
    with pytest.raises(ValueError, match=message):
        geokr(head=setting)


@pytest.mark.parametrize('weight', [0.25, 1, 3.0])
def test_consistency_counts_as_much_as_its_weight(weight):
    images, samples = batch()
    torch.manual_seed(0)
    published = geokr().loss(images, samples)
    torch.manual_seed(0)
    losses = geokr(head=dict(consistency_weight=weight)).loss(images, samples)
    assert torch.equal(losses['loss_land_cover'], published['loss_land_cover'])
    expected = weight * published['loss_consistency']
    assert torch.equal(losses['loss_consistency'], expected)


def test_without_consistency_there_is_no_teacher_and_the_land_cover_teaches_alone():
    images, samples = batch()
    torch.manual_seed(0)
    published = geokr()
    torch.manual_seed(0)
    model = geokr(head=dict(consistency_weight=0))
    assert model.teacher is None
    assert not [name for name in model.state_dict() if 'teacher' in name]
    losses = model.loss(images, samples)
    expected = published.loss(images, samples)
    assert set(losses) == set(expected) - {'loss_consistency'}
    assert torch.equal(losses['loss_land_cover'], expected['loss_land_cover'])


def test_a_negative_weight_is_refused():
    with pytest.raises(ValueError, match=r"'consistency_weight' .* at least 0, got -1"):
        geokr(head=dict(consistency_weight=-1))
