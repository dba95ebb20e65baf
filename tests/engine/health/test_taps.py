"""Taps hear what each method computes, in the order of its images."""

import methods
import pytest
import torch
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample
from torch.nn import functional as F

from rsp.engine.health.measures import measure_features
from rsp.engine.health.taps import Taps

N = 6


def built(config):
    return MODELS.build(config).train()


def views(count=2):
    return [torch.randn(N, 3, methods.SIDE, methods.SIDE) for _ in range(count)]


def encoded(model, view):
    """Project a view by the student."""
    return model.neck(model.backbone(view))[0]


@pytest.fixture
def _no_norms(monkeypatch):
    """Let no output depend on the batch, so that views can be encoded again."""
    for kind in (torch.nn.modules.batchnorm._BatchNorm, torch.nn.SyncBatchNorm):
        monkeypatch.setattr(kind, 'forward', lambda self, x: x)


@pytest.mark.usefixtures('_no_norms')
@pytest.mark.parametrize('kind', ['MoCo', 'DenseCL', 'rsp.MoCo'])
def test_queries_meet_the_keys_of_their_images(kind):
    make = methods.densecl if kind == 'DenseCL' else methods.moco
    model = built(make(queue_len=3 * N, type=kind))
    first, second = views()
    with Taps(model) as taps:
        model.loss([first, second], [DataSample()] * N)
    ((queries, keys),) = taps.pairs
    expected = encoded(model, first)
    torch.testing.assert_close(queries, expected)
    # mmpretrain shuffles the keys even where nothing is gained by it.
    encoder = model.encoder_k.module
    own = encoder[1](encoder[0](second))[0]
    torch.testing.assert_close(keys, F.normalize(own, dim=1))


@pytest.mark.usefixtures('_no_norms')
@pytest.mark.parametrize('name', ['simsiam', 'barlow_twins', 'simclr', 'swav'])
def test_both_views_are_paired(name):
    model = built(getattr(methods, name)())
    given = views()
    with Taps(model) as taps:
        model.loss([*given], [DataSample()] * N)
    first, second = taps.pairs[0]
    if name == 'swav':
        wanted = [model.neck([model.backbone(view)]) for view in given]
    else:
        wanted = [encoded(model, view) for view in given]
    for found, expected in zip((first, second), wanted, strict=True):
        torch.testing.assert_close(
            F.normalize(found, dim=1), F.normalize(expected, dim=1)
        )


@pytest.mark.parametrize('name', ['byol', 'mocov3'])
def test_the_student_meets_its_teacher(name):
    model = built(getattr(methods, name)())
    with Taps(model) as taps:
        model.loss(views(), [DataSample()] * N)
    assert [tuple(a.shape) for a in taps.pairs[0]] == [(N, 64)] * 2
    assert len(taps.pairs) == 2


def test_a_masked_autoencoder_has_features_and_a_mask_but_no_pairs():
    model = built(methods.mae(mask_ratio=0.5))
    (images,) = views(1)
    with Taps(model) as taps:
        model.loss(images, [DataSample()] * N)
    assert taps.pairs == []
    assert taps.mask.mean().item() == 0.5
    assert 'neighbor_top1' not in measure_features(taps)
    assert measure_features(taps)['rank'] >= 1


def test_gersp_is_heard_without_its_photos():
    model = built(methods.gersp())
    inputs = dict(remote=views(), natural=views(1)[0])
    photos = DataSample().set_gt_label(torch.arange(N))
    with Taps(model) as taps:
        model.loss(inputs, dict(natural=photos))
    assert [len(f) for f in taps.features] == [N]
    assert [len(side) for side in taps.pairs[0]] == [N, N]


def test_geokr_has_features_and_no_pairs():
    model = built(methods.geokr())
    samples = [DataSample().set_gt_score(torch.rand(10)) for _ in range(N)]
    with Taps(model) as taps:
        model.loss(views(1)[0], samples)
    assert taps.pairs == []
    assert taps.features[0].shape == (N, 8 * methods.WIDTH)


def test_nothing_is_left_behind():
    model = built(methods.moco(queue_len=2 * N))
    before = dict(vars(model)), dict(vars(model.head))
    with Taps(model) as taps:
        model.loss(views(), [DataSample()] * N)
    heard = len(taps.features)
    assert (dict(vars(model)).keys(), dict(vars(model.head)).keys()) == (
        before[0].keys(),
        before[1].keys(),
    )
    model.loss(views(), [DataSample()] * N)
    assert len(taps.features) == heard


def test_a_method_that_was_replaced_before_stays_replaced():
    model = built(methods.moco(queue_len=2 * N))
    kept = []
    model._dequeue_and_enqueue = kept.append
    with Taps(model) as taps:
        model.loss(views(), [DataSample()] * N)
    assert model._dequeue_and_enqueue == kept.append
    assert len(kept) == len(taps.queued) == 1
