"""Each rule speaks about what it names, and about nothing else."""

import math

import pytest

from rsp.engine.health.rules import History, find_alarms
from rsp.engine.health.rules.history import FIRST, LAST

# What a healthy step of MoCo measures.
HEALTHY = dict(
    rank=18.0,
    deviation=0.78,
    cosine=0.35,
    dead_units=0.0,
    projected_rank=11.0,
    projected_deviation=0.58,
    projected_cosine=0.6,
    projected_directions=14.0,
    negative_similarity=0.4,
    update_ratio=0.003,
    gradient_norm=3.0,
    backbone_gradient=2.8,
    teacher_distance=0.08,
    student_moved=1.0,
    teacher_moved=1.0,
    broken_band=0.0,
    flat_images=0.0,
    equal_views=0.0,
    view_ratio=15.0,
    masked=0.6,
    labels=32.0,
    label_spread=0.3,
    labels_seen=1e6,
    labels_counted=1600.0,
    supervised_top1=40.0,
    negatives=512.0,
    loss=5.2,
)
FACTS = dict(images=64, queue=512, keys_per_epoch=2400, temperature=0.2, num_classes=10)


def rules(*changes, times=5, facts=None, **same):
    """Judge measurements that differ from healthy ones, the last of them repeated."""
    found = [
        HEALTHY | dict(queue_sum=float(n)) | change for n, change in enumerate(changes)
    ]
    while len(found) < times:
        last = changes[-1] if changes else {}
        found.append(HEALTHY | dict(queue_sum=float(len(found))) | same | last)
    history = History(found, FACTS | (facts or {}))
    return [alarm.rule for alarm in find_alarms(history)]


def test_healthy_measurements_are_silent():
    assert rules() == []


def test_nothing_measured_is_nothing_to_say():
    assert find_alarms(History()) == []
    assert find_alarms(History([{}, {}, {}, {}])) == []


@pytest.mark.parametrize(
    ('changed', 'rule'),
    [
        (dict(broken_band=3.0), 'not_finite'),
        (dict(loss=math.nan), 'not_finite'),
        (dict(projected_rank=math.nan), 'not_finite'),
        (dict(flat_images=0.9), 'flat_images'),
        (dict(view_ratio=1.3), 'same_images'),
        (dict(equal_views=1.0, view_ratio=math.inf), 'equal_views'),
        (dict(masked=0.0), 'mask'),
        (dict(masked=1.0), 'mask'),
        (dict(label_spread=0.0), 'one_class'),
        (dict(supervised_top1=11.0), 'labels'),
        (dict(queue_sum=7.0), 'queue_idle'),
        (dict(teacher_moved=0.0), 'teacher_still'),
        (dict(teacher_distance=0.0), 'teacher_copy'),
        (dict(student_moved=0.0), 'still'),
        (dict(backbone_gradient=0.0), 'no_gradient'),
        (dict(projected_deviation=0.0), 'projector'),
        (dict(own_statistics=1.0), 'leak'),
        (dict(update_ratio=0.5), 'rate'),
        (dict(dead_units=0.8), 'dead_units'),
        (dict(projected_deviation=0.01), 'collapse'),
        (dict(deviation=0.01), 'collapse'),
        (dict(negative_similarity=0.9, loss=1.0), 'collapse'),
        (dict(projected_directions=2.0), 'collapse'),
    ],
)
def test_a_fault_is_named(changed, rule):
    assert rules({}, changed) == [rule]


@pytest.mark.parametrize(
    ('facts', 'rule'),
    [
        (dict(queue=2400), 'queue_length'),
        (dict(temperature=20.0), 'temperature'),
    ],
)
def test_a_wrong_set_up_is_named_at_once(facts, rule):
    assert rules(times=1, facts=facts) == [rule]


@pytest.mark.parametrize(
    'changed',
    [
        dict(flat_images=0.9),
        dict(equal_views=1.0),
        dict(view_ratio=1.0),
        dict(update_ratio=0.5),
        dict(projected_deviation=0.01),
        dict(backbone_gradient=0.0),
    ],
)
def test_one_unlike_batch_is_no_alarm(changed):
    assert rules({}, {}, {}, {}, changed) == []


def test_a_fast_step_explains_a_collapse():
    assert rules(dict(update_ratio=0.05), {}, dict(projected_directions=2.0)) == [
        'rate'
    ]


def test_views_that_are_alike_are_a_collapse_only_if_the_loss_falls():
    alike = dict(negative_similarity=0.9)
    assert rules({}, alike | dict(loss=5.1)) == ['collapse']
    assert rules({}, alike | dict(loss=6.1)) == []


def test_views_that_are_alike_at_the_start_or_come_apart_are_no_collapse():
    low = dict(loss=1.0)
    assert (
        rules(dict(negative_similarity=0.96), low | dict(negative_similarity=0.96))
        == []
    )
    falling = [low | dict(negative_similarity=c) for c in (0.8, 0.9, 0.85, 0.8, 0.7)]
    assert rules(*falling) == []


def test_a_teacher_that_waits_for_its_milestone_is_silent():
    assert rules({}, dict(teacher_moved=0.0), facts=dict(teacher_waits=True)) == []


def test_classes_of_photos_are_judged_after_500_images_each():
    early = dict(labels_seen=4999.0, supervised_top1=10.0)
    assert rules(early) == []
    assert rules(early | dict(labels_seen=5000.0)) == ['labels']


@pytest.mark.parametrize(('images', 'expected'), [(64, ['same_images']), (8, [])])
def test_few_images_say_nothing_of_views(images, expected):
    assert rules(dict(view_ratio=1.0), facts=dict(images=images)) == expected


def test_a_long_run_keeps_its_first_and_last_measurements():
    history = History()
    for number in range(1000):
        history.add(dict(loss=float(number)))
    first, last = range(FIRST), range(1000 - LAST, 1000)
    assert history.all('loss') == [*first, *last]
    assert (history.count, history.last('loss', 2)) == (1000, [998, 999])
