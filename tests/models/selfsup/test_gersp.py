import copy
import logging
import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmpretrain.structures import DataSample
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.testing import assert_close

from rsp.engine.pretrained import load_backbone
from rsp.models.modules.source_stem import MixedStem
from rsp.models.selfsup import GeRSP

RESNET = dict(type='ResNet', depth=18, stem_channels=8, base_channels=4)


def gersp(backbone=RESNET, width=32, classes=7, dim=6, length=12, **kwargs):
    model = GeRSP(
        backbone=copy.deepcopy(backbone),
        neck=dict(type='rsp.Projector', widths=[width, 16, dim]),
        head=dict(
            type='ContrastiveHead',
            loss=dict(type='CrossEntropyLoss'),
            temperature=0.07,
        ),
        sup_head=dict(
            type='rsp.ClassificationHead', num_classes=classes, in_channels=width
        ),
        queue=dict(dim=dim, length=length),
        **kwargs,
    )
    model.init_weights()
    return model.train()


def batch(scenes=4, photos=4, size=32, classes=7, dtype=torch.float32, seed=0):
    g = torch.Generator().manual_seed(seed)
    remote = [torch.randn(scenes, 3, size, size, generator=g) for _ in range(2)]
    natural = torch.randn(photos, 3, size, size, generator=g)
    labels = torch.randint(classes, (photos,), generator=g)
    return (
        dict(remote=[v.to(dtype) for v in remote], natural=natural.to(dtype)),
        dict(natural=DataSample().set_gt_label(labels)),
    )


def total(losses):
    return sum(value for name, value in losses.items() if 'loss' in name)


def freeze_statistics(model):
    """Put batch norm in eval mode, so that images of a batch stay apart."""
    for module in model.modules():
        if isinstance(module, _BatchNorm):
            module.eval()
    return model


def gradients(model, losses):
    model.zero_grad()
    total(losses).backward()
    return {
        name: parameter.grad.clone()
        for name, parameter in model.named_parameters()
        if parameter.grad is not None
    }


# The loss ----------------------------------------------------------------------


class Flatten(nn.Module):
    def forward(self, images):
        return (images.flatten(1),)


class Same(nn.Module):
    def forward(self, feats):
        return feats


def test_the_step_equals_the_hand_computation(monkeypatch):
    """Identity backbone and neck; every sum written out."""
    model = gersp(width=12, dim=12, length=5).double()
    model.backbone, model.neck = Flatten(), Same()
    model.teacher.module = model.student
    monkeypatch.setattr(model.teacher, 'update_parameters', lambda student: None)
    inputs, samples = batch(3, 2, size=2, dtype=torch.float64)
    queue = model.queue.feats.clone()
    losses = model.loss(inputs, samples)

    queries = [v / v.norm() for v in inputs['remote'][0].flatten(1)]
    keys = [v / v.norm() for v in inputs['remote'][1].flatten(1)]
    contrast = 0.0
    for query, key in zip(queries, keys, strict=True):
        positive = math.exp(float(query @ key) / 0.07)
        negatives = sum(math.exp(float(query @ u) / 0.07) for u in queue.T)
        contrast -= math.log(positive / (positive + negatives)) / 3
    assert losses['loss_contrast'].item() == pytest.approx(contrast, rel=1e-9)

    weight, bias = model.sup_head.fc.weight, model.sup_head.fc.bias
    supervised = 0.0
    for photo, label in zip(
        inputs['natural'].flatten(1), samples['natural'].gt_label, strict=True
    ):
        scores = weight @ photo + bias
        supervised -= (scores - scores.logsumexp(0))[label].item() / 2
    assert losses['loss_supervised'].item() == pytest.approx(supervised, rel=1e-9)

    cosines = [float(q @ k) for q, k in zip(queries, keys, strict=True)]
    assert losses['positive_similarity'].item() == pytest.approx(np.mean(cosines))
    others = [float(q @ u) for q in queries for u in queue.T]
    assert losses['negative_similarity'].item() == pytest.approx(np.mean(others))


@pytest.mark.parametrize(
    ('alpha', 'value'), [(1.0, 17.9981254), (0.0, 11.0903701), (2.5, 28.3597583)]
)
def test_alpha_weighs_the_supervised_loss(alpha, value):
    """Equal similarities over K = 65536, zero classifier of 1000."""
    model = gersp(classes=1000, length=65536, alpha=alpha)
    nn.init.zeros_(model.sup_head.fc.weight)
    nn.init.zeros_(model.sup_head.fc.bias)
    model.queue.feats.zero_()
    # Zero projections have cosine 0 with everything.
    for parameter in model.student['neck'].parameters():
        nn.init.zeros_(parameter)
    losses = model.loss(*batch(classes=1000))
    assert total(losses).item() == pytest.approx(value, abs=1e-5)


def test_display_values_are_not_summed():
    losses = gersp().loss(*batch())
    assert {name for name in losses if 'loss' in name} == {
        'loss_contrast',
        'loss_supervised',
    }
    plain = {name for name in losses if 'loss' not in name}
    assert plain == {
        'contrast_top1',
        'supervised_top1',
        'supervised_top5',
        'positive_similarity',
        'negative_similarity',
    }
    assert not any(losses[name].requires_grad for name in plain)


def test_the_loss_of_a_step_uses_the_queue_before_it():
    """A zero queue and keys equal to the queries."""
    model = freeze_statistics(gersp(teacher=dict(momentum=0.0)))
    model.queue.feats.zero_()
    inputs, samples = batch()
    inputs['remote'][1] = inputs['remote'][0]
    losses = model.loss(inputs, samples)
    expected = math.log(1 + 12 * math.exp(-1 / 0.07))
    assert losses['loss_contrast'].item() == pytest.approx(expected, abs=1e-5)
    assert losses['contrast_top1'].item() == 100


def test_a_fresh_model_starts_at_the_expected_losses():
    """At this project's default sizes but a small encoder."""
    model = gersp(classes=1000, dim=128, length=65536)
    losses = model.loss(*batch(16, 16, classes=1000))
    assert losses['loss_supervised'].item() == pytest.approx(6.9, abs=0.5)
    positive = losses['positive_similarity'].item()
    expected = math.log(65536) + 1 / (2 * 128 * 0.07**2) - positive / 0.07
    assert losses['loss_contrast'].item() == pytest.approx(expected, abs=1.0)


def test_the_supervised_loss_falls_on_a_fixed_batch():
    model = gersp(alpha=1.0)
    optimizer = torch.optim.SGD(model.parameters(), 0.05)
    inputs, samples = batch()
    values = []
    for _ in range(5):
        losses = model.loss(inputs, samples)
        optimizer.zero_grad()
        losses['loss_supervised'].backward()
        optimizer.step()
        values.append(losses['loss_supervised'].item())
    assert values[-1] < 0.8 * values[0]


def test_contrast_is_learned_while_the_queue_stands_still(monkeypatch):
    model = gersp(length=32)
    model.queue.push(model.encode_keys(batch(32, 1, seed=9)[0]['remote'][1]))
    monkeypatch.setattr(model.queue, 'push', lambda keys: None)
    optimizer = torch.optim.SGD(model.parameters(), 0.05)
    inputs, samples = batch(8, 4)
    inputs['remote'][1] = inputs['remote'][0]
    values = []
    for _ in range(8):
        losses = model.loss(inputs, samples)
        optimizer.zero_grad()
        losses['loss_contrast'].backward()
        optimizer.step()
        values.append(losses['loss_contrast'].item())
    assert values[-1] < 0.7 * values[0]


# Gradients ---------------------------------------------------------------------


def test_gradients_add_up():
    model = freeze_statistics(gersp(alpha=2.5, teacher=dict(momentum=0.0))).double()
    inputs, samples = batch(dtype=torch.float64)

    def losses_of(*names):
        fresh = copy.deepcopy(model)
        losses = fresh.loss(inputs, samples)
        return gradients(fresh, {n: losses[n] for n in names})

    both = losses_of('loss_contrast', 'loss_supervised')
    contrast, supervised = losses_of('loss_contrast'), losses_of('loss_supervised')
    for name, gradient in both.items():
        parts = [part[name] for part in (contrast, supervised) if name in part]
        assert_close(gradient, sum(parts), rtol=1e-9, atol=1e-12)


def test_teacher_and_queue_stay_out_of_the_optimizer():
    """Bit-identical after weight decay with the average switched off."""
    model = gersp(teacher=dict(momentum=0.0))
    optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9, weight_decay=0.5)
    before = {k: v.clone() for k, v in model.teacher.named_parameters()}
    total(model.loss(*batch())).backward()
    optimizer.step()
    for name, parameter in model.teacher.named_parameters():
        assert parameter.grad is None
        assert torch.equal(parameter, before[name])
    assert not any(name.startswith('queue') for name, _ in model.named_parameters())


def test_each_branch_trains_only_its_own_head():
    model = gersp(alpha=0.0)
    grads = gradients(model, model.loss(*batch()))
    assert grads['sup_head.fc.weight'].abs().max() == 0
    model = gersp()
    losses = model.loss(*batch())
    grads = gradients(model, dict(loss_supervised=losses['loss_supervised']))
    assert not any(name.startswith('neck') for name in grads)


def test_with_fixed_statistics_the_branches_do_not_meet():
    """Other photos, same projector gradient; other scenes, same fc's."""
    model = freeze_statistics(gersp())
    inputs, samples = batch()
    other, _ = batch(seed=1)

    def grads(remote, natural):
        fresh = copy.deepcopy(model)
        mixed = dict(remote=remote['remote'], natural=natural['natural'])
        return gradients(fresh, fresh.loss(mixed, samples))

    reference, photos, scenes = (
        grads(inputs, inputs),
        grads(inputs, other),
        grads(other, inputs),
    )
    for name in reference:
        if name.startswith('neck'):
            assert torch.equal(reference[name], photos[name])
            assert not torch.equal(reference[name], scenes[name])
        if name.startswith('sup_head'):
            assert torch.equal(reference[name], scenes[name])
            assert not torch.equal(reference[name], photos[name])


# Batch norm --------------------------------------------------------------------


def test_statistics_are_those_of_both_domains_together():
    model = gersp()
    inputs, samples = batch()
    convolved = model.backbone.conv1(
        torch.cat([inputs['remote'][0], inputs['natural']])
    )
    model.loss(inputs, samples)
    assert_close(model.backbone.bn1.running_mean, 0.1 * convolved.mean((0, 2, 3)))


@pytest.mark.parametrize(('fixed', 'same'), [(True, True), (False, False)])
def test_photos_reach_the_queries_through_statistics_only(fixed, same):
    model = gersp(teacher=dict(momentum=0.0))
    if fixed:
        freeze_statistics(model)
    inputs, samples = batch()
    other, _ = batch(seed=1)
    positives = []
    for natural in (inputs['natural'], other['natural']):
        fresh = copy.deepcopy(model)
        losses = fresh.loss(dict(remote=inputs['remote'], natural=natural), samples)
        positives.append(losses['positive_similarity'])
    assert torch.equal(*positives) == same


def buffers(module):
    return {name: buffer.clone() for name, buffer in module.named_buffers()}


def changed(before, after):
    return {name for name in before if not torch.equal(before[name], after[name])}


@pytest.mark.parametrize(
    ('part', 'touched', 'untouched'),
    [
        ('query', 'backbone', 'teacher'),
        ('key', 'teacher', 'backbone'),
        ('photos', 'backbone', 'teacher'),
    ],
)
def test_each_input_reaches_its_own_encoder(part, touched, untouched):
    model = gersp(teacher=dict(momentum=0.0))
    inputs, samples = batch()
    other, _ = batch(seed=1)
    mixed = dict(
        remote=[
            (other if part == 'query' else inputs)['remote'][0],
            (other if part == 'key' else inputs)['remote'][1],
        ],
        natural=(other if part == 'photos' else inputs)['natural'],
    )
    ends = []
    for one in (inputs, mixed):
        fresh = copy.deepcopy(model)
        losses = fresh.loss(one, samples)
        ends.append((fresh, losses))
    (first, losses), (second, other_losses) = ends

    def difference(name):
        return changed(buffers(getattr(first, name)), buffers(getattr(second, name)))

    assert difference(touched)
    assert not difference(untouched)
    keys_differ = not torch.equal(first.queue.feats, second.queue.feats)
    assert keys_differ == (part == 'key')
    if part == 'key':
        assert torch.equal(losses['loss_supervised'], other_losses['loss_supervised'])


# The teacher -------------------------------------------------------------------


def test_the_teacher_starts_as_the_student():
    """Also after weight initialization."""
    model = gersp()
    for name, tensor in model.student.state_dict().items():
        assert torch.equal(model.teacher.module.state_dict()[name], tensor)


def test_the_teacher_follows_before_the_optimizer_steps():
    model = gersp(teacher=dict(momentum=0.25))
    with torch.no_grad():
        for parameter in (*model.student.parameters(), *model.teacher.parameters()):
            parameter.zero_()
    inputs, samples = batch()
    values = []
    for _ in range(2):
        model.loss(inputs, samples)
        values.append(model.teacher.module['neck'].mlp[0].weight.unique().tolist())
        with torch.no_grad():
            for parameter in model.student.parameters():
                parameter.fill_(1.0)
    assert values == [[0.0], [0.25]]


@pytest.mark.parametrize(('frozen', 'moves'), [(False, True), (True, False)])
def test_the_key_projector_moves_unless_frozen(frozen, moves):
    model = gersp(frozen_key_projector=frozen, teacher=dict(momentum=0.5))
    before = {k: v.clone() for k, v in model.teacher.named_parameters()}
    with torch.no_grad():
        for parameter in model.student.parameters():
            parameter.add_(1.0)
    model.loss(*batch())
    for name, parameter in model.teacher.named_parameters():
        expected = moves or name.startswith('module.backbone')
        assert torch.equal(parameter, before[name]) != expected, name


@pytest.mark.parametrize('autocast', [False, True])
def test_keys_have_unit_norm(autocast):
    model = gersp()
    with torch.autocast('cpu', dtype=torch.bfloat16, enabled=autocast):
        keys = model.encode_keys(batch()[0]['remote'][1])
        losses = model.loss(*batch())
    assert keys.dtype == torch.float32
    assert (keys.norm(dim=1) - 1).abs().max() < 1e-5
    assert losses['loss_contrast'].dtype == torch.float32


def test_feature_extraction_changes_nothing():
    """The student encoder alone."""
    model = gersp().eval()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    images = batch()[0]['natural']
    feats = model(images, mode='tensor')
    assert torch.equal(feats[-1], model.backbone(images)[-1])
    after = model.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


# Generality --------------------------------------------------------------------


@pytest.mark.parametrize(
    ('backbone', 'width', 'size'),
    [
        (dict(type='ResNet', depth=18), 512, 32),
        (dict(type='ResNet', depth=50, base_channels=8), 256, 32),
        (dict(type='ConvNeXt', arch='atto'), 320, 32),
        (
            dict(
                type='SwinTransformer',
                arch=dict(embed_dims=12, depths=[1, 1, 1, 1], num_heads=[1, 1, 2, 2]),
                img_size=64,
                window_size=2,
            ),
            96,
            64,
        ),
        (
            dict(
                type='VisionTransformer',
                arch=dict(
                    embed_dims=24, num_layers=2, num_heads=2, feedforward_channels=48
                ),
                img_size=32,
                patch_size=8,
            ),
            24,
            32,
        ),
        (
            dict(
                type='VisionTransformer',
                arch=dict(
                    embed_dims=24, num_layers=2, num_heads=2, feedforward_channels=48
                ),
                img_size=32,
                patch_size=8,
                out_type='raw',
            ),
            24,
            32,
        ),
    ],
    ids=['resnet18', 'bottleneck', 'convnext', 'swin', 'vit', 'vit-tokens'],
)
def test_any_backbone_trains(backbone, width, size):
    """Nothing is tied to 2048 features, or to maps."""
    model = gersp(backbone, width=width, dim=10)
    losses = model.loss(*batch(2, 3, size=size))
    grads = gradients(model, losses)
    idle = {
        name
        for name, parameter in model.named_parameters()
        if parameter.requires_grad and name not in grads
    }
    assert not idle
    # Drop path and the order of views may differ, the shape of the state may not.
    assert model.queue.feats.shape == (10, 12)


SWIN = dict(
    type='SwinTransformer',
    arch=dict(embed_dims=8, depths=[1, 1, 1, 1], num_heads=[1, 1, 2, 2]),
    img_size=32,
    pad_small_map=True,
)


@pytest.mark.parametrize(('backbone', 'width'), [(RESNET, 32), (SWIN, 64)])
def test_photos_behind_an_equal_stem_change_nothing(backbone, width):
    """One trunk, one batch: the step is the one without stems."""
    plain = gersp(backbone, width)
    apart = gersp(backbone, width, source_stems=dict(natural=3))
    missing, _ = apart.load_state_dict(plain.state_dict(), strict=False)
    assert {name.split('.')[0] for name in missing} == {'source_stems'}
    stem = next(m for m in apart.backbone.modules() if isinstance(m, nn.Conv2d))
    apart.source_stems['natural'].load_state_dict(stem.state_dict())
    steps = []
    for model in (plain, apart):
        torch.manual_seed(1)  # Swin drops paths
        steps.append(model.loss(*batch(4, 3)))
    assert_close(steps[1], steps[0])
    assert_close(apart.queue.feats, plain.queue.feats)
    buffers = dict(apart.backbone.named_buffers())
    assert_close(buffers, dict(plain.backbone.named_buffers()))


@pytest.mark.parametrize('bands', [2, 13])
def test_scenes_of_any_bands_and_photos_share_one_trunk(bands):
    backbone = RESNET | dict(in_channels=bands)
    model = gersp(backbone, source_stems=dict(natural=3))
    inputs, samples = batch(4, 4)
    inputs['remote'] = [torch.randn(4, bands, 32, 32) for _ in range(2)]
    losses = model.loss(inputs, samples)
    grads = gradients(model, losses)
    assert grads['backbone.conv1.weight'].shape[1] == bands
    assert grads['source_stems.natural.weight'].shape[1] == 3
    for name in ('backbone.conv1.weight', 'source_stems.natural.weight'):
        assert grads[name].abs().sum() > 0
    # Neither the teacher nor what is handed on knows the photos' stem.
    names = [n for n in model.state_dict() if 'source_stems' in n]
    assert names == ['source_stems.natural.weight']
    reference = gersp(backbone)
    assert set(reference.backbone.state_dict()) == set(model.backbone.state_dict())

    maps = torch.cat(
        [
            model.backbone.conv1(inputs['remote'][0]),
            model.source_stems['natural'](inputs['natural']),
        ]
    )
    mean = maps.mean((0, 2, 3))
    # Momentum 0.1, from 0: the statistics of both domains together.
    assert_close(model.backbone.bn1.running_mean, 0.1 * mean, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('bands', [2, 13])
def test_both_stems_start_equally_strong(bands):
    model = gersp(
        dict(type='ResNet', depth=18, in_channels=bands),
        512,
        source_stems=dict(natural=3),
    )
    scenes = model.backbone.conv1(torch.randn(8, bands, 64, 64))
    photos = model.source_stems['natural'](torch.randn(8, 3, 64, 64))
    assert photos.std().item() == pytest.approx(scenes.std().item(), rel=0.1)


@pytest.mark.parametrize(('backbone', 'width'), [(RESNET, 32), (SWIN, 64)])
def test_photos_start_behind_the_stem_of_an_rgb_file(tmp_path, backbone, width):
    """--pretrained with --inflate-stem: no photo meets a random first layer."""
    rgb = gersp(backbone, width).backbone.state_dict()
    torch.save({f'backbone.{name}': v for name, v in rgb.items()}, tmp_path / 'rgb.pth')
    model = gersp(backbone | dict(in_channels=13), width, source_stems=dict(natural=3))
    runner = SimpleNamespace(
        model=model,
        cfg=dict(inflate_stem=True),
        logger=logging.getLogger('test'),
        work_dir=tmp_path,
        rank=0,
    )
    load_backbone(runner, str(tmp_path / 'rgb.pth'))
    name = next(n for n, m in model.backbone.named_modules() if type(m) is MixedStem)
    stem = model.source_stems['natural'].state_dict()
    assert_close(stem, {k: rgb[f'{name}.{k}'] for k in stem}, rtol=0, atol=0)
    scenes = model.backbone.state_dict()[f'{name}.weight']
    assert_close(scenes.sum(1), rgb[f'{name}.weight'].sum(1), rtol=1e-4, atol=1e-6)
    teacher = model.teacher.module['backbone'].state_dict()
    assert_close(teacher, model.backbone.state_dict(), rtol=0, atol=0)


def test_sources_of_other_bands_without_a_stem_are_refused():
    inputs, samples = batch(4, 4)
    inputs['remote'] = [torch.randn(4, 13, 32, 32) for _ in range(2)]
    model = gersp(RESNET | dict(in_channels=13))
    with pytest.raises(ValueError, match=r'scenes, 13, got 3; set model.source_stems='):
        model.loss(inputs, samples)
    with pytest.raises(ValueError, match=r"one of 'natural', got 'photos'"):
        gersp(source_stems=dict(photos=3))
    vit = dict(type='VisionTransformer', arch='deit-tiny', img_size=32)
    with pytest.raises(ValueError, match=r'without a class token, got VisionTrans'):
        gersp(vit, 192, source_stems=dict(natural=3))


def test_scenes_and_photos_may_come_in_different_numbers():
    losses = gersp().loss(*batch(scenes=5, photos=2))
    assert math.isfinite(total(losses).item())
    assert losses['contrast_top1'].item() % 20 == pytest.approx(0, abs=1e-4)


def test_parts_may_come_ready_made():
    made = gersp()
    model = GeRSP(
        backbone=made.backbone,
        neck=made.neck,
        head=made.head,
        sup_head=made.sup_head,
        queue=dict(dim=6, length=12),
        data_preprocessor=made.data_preprocessor,
    )
    assert model.sup_head is made.sup_head


def test_the_published_network_has_the_published_size():
    model = gersp(
        dict(type='ResNet', depth=50), width=2048, classes=1000, dim=128, length=8
    )
    model.neck.mlp[0], model.neck.mlp[2] = nn.Linear(2048, 2048), nn.Linear(2048, 128)
    trainable = sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert trainable == 30_015_656
    entries = model.backbone.state_dict()
    assert len(entries) == 318
    assert sum(p.numel() for p in model.backbone.parameters()) == 23_508_032


# State -------------------------------------------------------------------------


def test_a_state_dict_round_trip_gives_the_same_next_step():
    model = gersp()
    inputs, samples = batch()
    model.loss(inputs, samples)
    other = gersp()
    other.load_state_dict(model.state_dict())
    next_inputs, next_samples = batch(seed=1)
    mine, theirs = (one.loss(next_inputs, next_samples) for one in (model, other))
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)
    assert all(
        torch.equal(tensor, other.state_dict()[name])
        for name, tensor in model.state_dict().items()
    )


def test_the_state_has_the_promised_names():
    names = set(gersp().state_dict())
    for name in (
        'backbone.conv1.weight',
        'neck.mlp.0.weight',
        'teacher.module.backbone.conv1.weight',
        'teacher.module.neck.mlp.0.weight',
        'queue.feats',
        'queue.ptr',
        'sup_head.fc.weight',
    ):
        assert name in names


# Refusals before the first step ------------------------------------------------


def paired(labels=(0, 6), sources=('remote', 'natural'), ratio=1):
    photos = SimpleNamespace(
        labels=np.array(labels), get_data_info=lambda i: dict(img_path=f'{i}.jpg')
    )
    return SimpleNamespace(
        sources=dict.fromkeys(sources, photos), ratio=dict(remote=ratio, natural=1)
    )


def test_a_fitting_run_passes():
    gersp(length=24).preflight(paired(ratio=3), batch_size=8)


@pytest.mark.parametrize(
    ('dataset', 'batch_size', 'message'),
    [
        (paired(), 14, r'14 keys per step do not fit a queue of 12'),
        (paired(ratio=2), 8, r'16 keys per step do not fit a queue of 12'),
        (paired(labels=(0, 7)), 8, r"labels within 0\.\.6, got 7 for '1\.jpg'"),
        (paired(sources=('natural',)), 8, r"missing: \['remote'\]"),
        ([], 8, r"missing: \['natural', 'remote'\]"),
    ],
)
def test_a_run_that_cannot_work_is_refused(dataset, batch_size, message):
    with pytest.raises(ValueError, match=message):
        gersp(length=12).preflight(dataset, batch_size)
