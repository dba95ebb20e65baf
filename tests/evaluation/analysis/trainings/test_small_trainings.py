"""rsp analyze sweep and scaling: what is trained, on what, and what is kept."""

import copy
import inspect
import json
from collections import Counter

import pytest
import torch
from mmengine.config import Config

from rsp.cli import main
from rsp.engine.cfg_options import parse_options
from rsp.engine.train import load_config
from rsp.errors import UserError
from rsp.evaluation.analysis.trainings import trials
from rsp.evaluation.analysis.trainings.scaling import _about_queue
from rsp.evaluation.analysis.trainings.schedule import stretch_schedule
from rsp.evaluation.analysis.trainings.scores import SCORES
from rsp.evaluation.analysis.trainings.subset import (
    count_images,
    draw_indices,
    find_dataset,
    write_subset,
)
from rsp.evaluation.analysis.trainings.sweeps import SWEEPS, find_sweeps
from rsp.evaluation.analysis.trainings.table import write_table
from rsp.evaluation.analysis.trainings.trials import Setting, Trial, run_trials
from rsp.models.heads.land_cover_head import LandCoverHead
from rsp.models.selfsup import GeRSP

GERSP = 'configs/gersp/r18_quickstart.py'
# What configs leave to the classes.
DEFAULTS = {
    'gersp-alpha': inspect.signature(GeRSP).parameters['alpha'].default,
    'geokr-consistency': inspect.signature(LandCoverHead)
    .parameters['consistency_weight']
    .default,
}


def load(config, words=()):
    return load_config(config, None, 'none', parse_options(words)).to_dict()


@pytest.mark.parametrize('sweep', SWEEPS.values(), ids=lambda sweep: sweep.name)
def test_settings_of_a_sweep_differ_in_one_thing_and_one_is_as_shipped(sweep):
    cfg = load_config(sweep.config, None, 'none', None)
    as_is, changed = cfg.to_dict(), {}
    for label, own in sweep.settings.items():
        other = copy.deepcopy(cfg)
        other.merge_from_dict(parse_options(own))
        changed[label] = other.to_dict()
    texts = [json.dumps(cfg, default=str, sort_keys=True) for cfg in changed.values()]
    assert len({*texts}) == len(sweep.settings)
    if sweep.name in DEFAULTS:
        assert sweep.shipped == str(DEFAULTS[sweep.name])
    else:
        assert changed[sweep.shipped] == as_is


def test_a_sweep_is_found_by_name_by_method_and_for_any_config():
    assert [s.name for s in find_sweeps('gersp', None)] == [
        'gersp-alpha', 'gersp-momentum', 'gersp-temperature', 'gersp-queue'
    ]  # fmt: skip
    (own,) = find_sweeps(GERSP, 'model.head.temperature=0.1,0.2')
    assert own.settings == {
        '0.1': ('model.head.temperature=0.1',),
        '0.2': ('model.head.temperature=0.2',),
    }
    assert own.shipped == '0.2'
    with pytest.raises(UserError, match=r'among gersp-alpha.*got .gersp-beta'):
        find_sweeps('gersp-beta', None)
    with pytest.raises(UserError, match='needs --vary'):
        find_sweeps(GERSP, None)
    with pytest.raises(UserError, match='two values or more'):
        find_sweeps(GERSP, 'model.alpha=1')
    with pytest.raises(UserError, match='config with --vary'):
        find_sweeps('gersp-alpha', 'model.alpha=1,2')


def test_a_stretched_schedule_ends_with_the_training():
    cfg = load_config(GERSP, None, 'none', None)
    words = stretch_schedule(cfg, 3)
    changed = load(GERSP, words)
    assert changed['train_cfg']['max_epochs'] == 3
    warmup, cosine = changed['param_scheduler']
    assert warmup == cfg.param_scheduler[0]
    assert (cosine['T_max'], cosine['end']) == (3, 3)
    # As many epochs as before change nothing.
    assert load(GERSP, stretch_schedule(cfg, 10)) == cfg.to_dict()


def test_what_begins_after_a_warmup_ends_with_the_training_too():
    late = dict(type='CosineAnnealingLR', by_epoch=True, begin=2, end=10, T_max=8)
    cfg = Config(dict(train_cfg=dict(max_epochs=10), param_scheduler=late))
    assert [*stretch_schedule(cfg, 6)] == [
        'train_cfg.max_epochs=6', 'param_scheduler.end=6', 'param_scheduler.T_max=4'
    ]  # fmt: skip
    with pytest.raises(UserError, match='more epochs than the 2 before'):
        stretch_schedule(cfg, 2)


@pytest.mark.parametrize(
    ('loop', 'message'),
    [(dict(max_epochs=100), 'without restarts'), (dict(max_iters=60), 'by epochs')],
)
def test_a_schedule_that_cannot_be_stretched_is_refused(loop, message):
    restarts = dict(type='CosineRestartLR', periods=[50, 50], by_epoch=True)
    with pytest.raises(UserError, match=message):
        stretch_schedule(Config(dict(train_cfg=loop, param_scheduler=restarts)), 3)


@pytest.mark.parametrize(('count', 'percent'), [(240, 10), (7, 50), (100, 100), (5, 1)])
def test_a_share_is_shown_as_often_as_the_whole(count, percent):
    if count * percent < 50:
        with pytest.raises(UserError, match='at least one of 5 images'):
            draw_indices(count, percent, 0)
        return
    drawn = Counter(draw_indices(count, percent, 0))
    assert drawn.total() == count
    assert len(drawn) == round(count * percent / 100)
    assert max(drawn.values()) - min(drawn.values()) <= 1
    assert {*drawn} <= {*draw_indices(count, min(100, 2 * percent), 0)}
    if percent < 100:
        assert {*drawn} != {*draw_indices(count, percent, 1)}


@pytest.mark.parametrize(
    ('config', 'place'),
    [
        (GERSP, 'train_dataloader.dataset.sources.remote'),
        ('configs/cmid/r18_quickstart.py', 'train_dataloader.dataset.dataset'),
        ('configs/moco/r18_quickstart.py', 'train_dataloader.dataset'),
    ],
)
def test_a_subset_lists_a_share_of_the_images(config, place, write_images, tmp_path):
    folder = write_images('scenes', [f'{n}.png' for n in range(10)], (8, 8))
    words = [f'{place}.data_root={folder}', f'{place}.data_prefix=""']
    cfg = load_config(config, None, 'none', parse_options(words))
    assert '.'.join(find_dataset(cfg)[0]) == place
    file = write_subset(config, 30, 0, cfg, tmp_path / 'out')
    assert file.endswith('out/r18_quickstart.py')
    subset = load_config(file, None, 'none', parse_options(words))
    _, dataset = find_dataset(subset)
    # As many items as in the whole, of three files.
    assert count_images(subset, dataset) == 10
    assert len({*dataset['indices']}) == 3
    del dataset['indices']
    assert subset.train_dataloader == cfg.train_dataloader
    assert subset.param_scheduler == cfg.param_scheduler


def test_windows_of_scenes_are_no_files_to_draw_from():
    cfg = load_config('configs/geokr/r18_cpu.py', None, 'none', None)
    with pytest.raises(UserError, match=r'rsp.SceneDataset; cut scenes into tiles'):
        find_dataset(cfg)


def test_a_queue_longer_than_a_share_is_told():
    cfg = load_config(GERSP, None, 'none', None)
    (told,) = _about_queue(cfg, 2400, (10, 25, 50, 100))
    assert told.startswith('Of 10 %, 25 % of the images the queue of 1,024 keys')
    assert _about_queue(cfg, 24000, (10, 100)) == []


@pytest.fixture
def train_nothing(monkeypatch):
    """Count trainings in place of running them."""
    ran = []
    scores = dict.fromkeys(SCORES, 50.0)
    monkeypatch.setattr(
        trials, 'score_backbone', lambda *a, **_: {k: v for k, v in scores.items()}
    )
    monkeypatch.setattr(Trial, '_train', lambda self: ran.append(self) or self.folder)
    return ran


def test_what_is_done_is_not_trained_again(train_nothing, tmp_path):
    told, seen = [], []
    settings = [Setting('a', GERSP), Setting('b', GERSP, ('model.alpha=2',))]

    def run(settings=settings, seeds=range(2)):
        return run_trials(
            settings, seeds, 'data', tmp_path, told.append, lambda x: seen.append(x)
        )

    first = run(settings[:1], range(1))
    assert run() == {'a': first['a'] * 2, 'b': first['a'] * 2}
    # All settings by one seed before the next one.
    order = [(t.setting.label, t.seed) for t in train_nothing]
    assert order == [('a', 0), ('b', 0), ('a', 1), ('b', 1)]
    changed = [Setting('a', GERSP, ('model.alpha=3',))]
    with pytest.raises(UserError, match=r"'model.alpha=3'.*choose another --out"):
        run(changed)
    # One that was stopped before its score keeps its folder, and is done again.
    (tmp_path / 'a/seed_0/trial.json').write_text(
        json.dumps(dict(facts=train_nothing[0].facts))
    )
    run()
    assert len(train_nothing) == 5


def test_the_table_tells_what_is_within_noise(tmp_path):
    found = {
        'untrained': [dict.fromkeys(SCORES, 40.0)] * 2,
        '0.1': [dict.fromkeys(SCORES, v) for v in (60.0, 61.0)],
        '0.2': [dict.fromkeys(SCORES, v) for v in (60.5, 61.5)],
        '1.0': [dict.fromkeys(SCORES, v) for v in (50.0, 50.1)],
    }
    text = write_table('t', 'a|b', found, tmp_path, dict(data='x'), '0.2', ['Note.'])
    lines = [line for line in text.splitlines() if line.startswith('|')]
    assert lines[0].startswith('| a\\|b | seeds | kNN | linear |')
    cells = {line.split(' | ')[0]: line.split(' | ')[2:] for line in lines}
    assert '(best)' in cells['| **0.2**'][0]
    assert '(within noise)' in cells['| 0.1'][0]
    assert '(lower)' in cells['| 1.0'][0]
    # No rival, but a floor.
    assert '(' not in cells['| untrained'][0]
    assert text.endswith('\nNote.\n')
    kept = json.loads((tmp_path / 't.json').read_text())
    assert kept['scores']['1.0'][1]['knn'] == 50.1
    assert (tmp_path / 't.png').stat().st_size > 10_000


@pytest.mark.slow
def test_a_sweep_trains_scores_and_goes_on(write_classes, write_images, tmp_path):
    write_images('data/remote', [f'{n}.png' for n in range(8)], (32, 32))
    write_images('data/natural/a', [f'{n}.png' for n in range(8)], (32, 32))
    tiny = tmp_path / 'tiny.py'
    tiny.write_text(
        f"""_base_ = '{(trials.find_config(GERSP)).resolve()}'
model = dict(
    backbone=dict(stem_channels=8, base_channels=8),
    neck=dict(widths=[64, 16]),
    sup_head=dict(num_classes=2, in_channels=64),
    queue=dict(dim=16, length=4),
)
train_dataloader = dict(
    batch_size=4, num_workers=0, persistent_workers=False,
    dataset=dict(sources=dict(
        remote=dict(data_root=r'{tmp_path / 'data'}'),
        natural=dict(data_root=r'{tmp_path / 'data'}'))))
"""
    )
    data = write_classes(count=12)
    out = tmp_path / 'out'
    words = ['--epochs', '1', '--seeds', '1', '--data', data, '--out', str(out)]
    main('analyze', argv=['sweep', str(tiny), '--vary', 'model.alpha=0.0,1.0', *words])
    (table,) = out.glob('*/*.json')
    kept = json.loads(table.read_text())['scores']
    assert [*kept] == ['untrained', '0.0', '1.0']
    (checkpoint, *_) = table.parent.glob('1.0/seed_0/epoch_1.pth')
    trained = torch.load(checkpoint, weights_only=False)['state_dict']
    first = table.parent / 'untrained/seed_0/untrained.pth'
    drawn = torch.load(first, weights_only=True)['state_dict']
    assert not trained['backbone.conv1.weight'].equal(drawn['backbone.conv1.weight'])
    # The scores alone are lost: nothing is trained again.
    trial = table.parent / '1.0/seed_0/trial.json'
    facts = json.loads(trial.read_text())
    trial.write_text(json.dumps(dict(facts=facts['facts'])))
    when = checkpoint.stat().st_mtime_ns
    main('analyze', argv=['sweep', str(tiny), '--vary', 'model.alpha=0.0,1.0', *words])
    assert json.loads(table.read_text())['scores'] == kept
    assert checkpoint.stat().st_mtime_ns == when
    main('analyze', argv=['scaling', str(tiny), '--shares', '50', '100', *words])
    (table,) = out.glob('scaling-*/*.json')
    assert [*json.loads(table.read_text())['scores']] == ['untrained', '50 %', '100 %']
