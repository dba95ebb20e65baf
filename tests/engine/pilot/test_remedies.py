"""Changes that are worth a try, and the lines that tell of them."""

from rsp.engine.pilot.measuring.stopwatch import BACKWARD, FORWARD, HOOKS, PARTS, WAIT
from rsp.engine.pilot.remedies import propose
from rsp.engine.pilot.report import duration, report

FACTS = dict(
    device='CPU',
    gpu=False,
    cores=8,
    batch=32,
    unit='pairs',
    folders=[],
    workers=2,
    amp=False,
    memory_format='contiguous',
    compiled=False,
    can_compile=True,
    scales_lr=True,
    bf16=True,
)
CONFIG = 'configs/gersp/r18_quickstart.py'


def options(hours=100, shares=None, **facts):
    parts = dict.fromkeys(PARTS, 0.0) | (shares or {FORWARD: 0.4, BACKWARD: 0.6})
    measured = dict(facts=FACTS | facts, parts=parts)
    return [remedy.option for remedy in propose(measured, CONFIG, hours)]


def test_workers_are_tried_where_data_are_waited_for():
    waiting = options(shares={WAIT: 0.6, FORWARD: 0.4})
    assert waiting[0] == '--cfg-options train_dataloader.num_workers=8'
    assert '--cfg-options train_dataloader.num_workers=4' in waiting
    assert not any('num_workers' in option for option in options())


def test_what_a_config_has_is_not_tried():
    assert any('channels_last' in option for option in options())
    all_set = options(memory_format='channels_last', amp=True, compiled=True)
    assert all_set == ['--auto-scale-lr --cfg-options train_dataloader.batch_size=64']
    assert '--amp' not in options(bf16=False)


def test_compilation_is_for_long_schedules():
    compiled = '--cfg-options compile_backbone=True'
    assert compiled in options(hours=100)
    assert compiled not in options(hours=1)


def test_arithmetic_is_left_alone_where_it_takes_no_time():
    assert options(shares={HOOKS: 0.97, FORWARD: 0.03}) == []


def test_a_report_holds_every_answer():
    parts = dict.fromkeys(PARTS, 0.0) | {WAIT: 0.006, FORWARD: 0.494, BACKWARD: 0.5}
    result = dict(
        config=CONFIG,
        facts=FACTS,
        schedule=dict(iterations=1000, epochs=10, validations=2, checkpoints=1),
        steps=dict(step=0.5, median=0.4, count=30, begin=12.0, warmup=5),
        bill=dict(
            start=9, training=512, validation=20, checkpoints=2, end=1, total=544
        ),
        cpu_bill=dict(total=1800),
        hours=544 / 3600,
        core_hours=8 * 544 / 3600,
        validation=dict(share=0.25),
        checkpoint=dict(mib=100.0),
        memory=dict(host=3 * 2**30),
        parts=parts,
        remedies=[
            dict(name='a', option='--a', gain=1.5),
            dict(name='b', option='--b', gain=None, reason='no'),
        ],
        largest_batch=dict(batch=512, tested=True, limit=1000),
    )
    result['best'] = result['remedies'][0]
    text = report(result)
    for line in (
        'whole schedule  9 min 04 s: training 8 min 32 s (first 5 steps 12 s of it), '
        'start 9.0 s, 2 validations 20 s, from 25% of one, 1 checkpoint of 100 MiB 2.0',
        'core-hours      1.21 of 8 cores, 0.50 of processor time',
        'steps           1000 of 32 pairs, 0.5 s each (mean of 30, median 0.4): 64 p',
        'wait for data 1 %, transfer and preprocessing 0 %, forward 49 %, backward 5',
        'helps most      --a  (a: 1.50 times as fast)',
        'tried           --b: no',
        'largest batch   512\n',
    ):
        assert line in text + '\n'


def test_durations_read_well():
    times = (4.25, 45, 185, 7800, 400_000)
    assert [*map(duration, times)] == [
        '4.2 s',
        '45 s',
        '3 min 05 s',
        '2 h 10 min',
        '4 d 15 h',
    ]
