"""At no moment of a run is there less than one whole checkpoint."""

import errno
import os
import shutil
import time
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.evaluator import BaseMetric
from mmengine.fileio.backends import LocalBackend
from mmengine.hooks import CheckpointHook as MMCheckpointHook
from mmengine.model import BaseModel
from mmengine.registry import DATASETS, METRICS, MODELS
from mmengine.runner import Runner
from torch import nn

from rsp import checkpoints
from rsp.engine.hooks import CheckpointHook
from rsp.engine.train import build_runner
from rsp.errors import UserError


@DATASETS.register_module(force=True)
class SavedPoints(torch.utils.data.Dataset):
    def __len__(self):
        return 8

    def __getitem__(self, index):
        return dict(inputs=torch.full((3,), float(index)))


@MODELS.register_module(force=True)
class SavedModel(BaseModel):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 1)

    def forward(self, inputs, data_samples=None, mode='tensor'):
        scores = self.layer(torch.stack(list(inputs)))
        return dict(loss=scores.square().mean()) if mode == 'loss' else [scores]


@METRICS.register_module(force=True)
class RisingThenFalling(BaseMetric):
    """Best after epochs 1, 2 and 4."""

    scores = (1.0, 2.0, 1.5, 3.0)
    epoch = 0

    def process(self, data_batch, data_samples):
        self.results.append(0)

    def compute_metrics(self, results):
        RisingThenFalling.epoch += 1
        return dict(score=self.scores[RisingThenFalling.epoch - 1])


class Killed(BaseException):
    """End a run as a signal would: no handler of exceptions sees it."""


@pytest.fixture
def build(tmp_path, request):
    count = iter(range(9))

    def build(epochs=4, runner_type='rsp.PortableRunner', best=None, custom=(), **hook):
        loader = dict(dataset=dict(type='SavedPoints'), batch_size=4)
        shuffled = dict(type='DefaultSampler', shuffle=True)
        cfg = dict(
            model=dict(type='SavedModel'),
            work_dir=str(tmp_path / 'run'),
            train_dataloader=loader | dict(sampler=shuffled),
            train_cfg=dict(by_epoch=True, max_epochs=epochs),
            optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.01, momentum=0.9)),
            default_hooks=dict(checkpoint=dict(type='CheckpointHook') | hook),
            custom_hooks=list(custom),
            randomness=dict(seed=0),
            experiment_name=f'{request.node.name}-{next(count)}',
        )
        if runner_type:
            cfg |= dict(runner_type=runner_type)
        if best:
            RisingThenFalling.epoch = 0
            cfg |= dict(
                val_dataloader=loader | dict(sampler=dict(type='DefaultSampler')),
                val_cfg=dict(),
                val_evaluator=dict(type='RisingThenFalling'),
            )
            cfg['default_hooks']['checkpoint'] |= dict(save_best=best, rule='greater')
        return build_runner(Config(cfg))

    return build


def files(folder):
    return sorted(f.name for f in Path(folder).glob('*.pth'))


def observe(monkeypatch, folder):
    """Return the lists of whole files that lay there whenever a file was written."""
    seen, put = [], LocalBackend.put

    def look(self, obj, filepath):
        whole = files(folder) if Path(folder).exists() else []
        for name in whole:
            checkpoints.read(Path(folder) / name)
        seen.append([name for name in whole if not name.startswith('.')])
        put(self, obj, filepath)

    monkeypatch.setattr(LocalBackend, 'put', look)
    return seen


@pytest.mark.parametrize('runner_type', ['rsp.PortableRunner', 'Runner', None])
def test_the_former_file_stays_until_the_new_one_is_whole(
    build, monkeypatch, tmp_path, runner_type
):
    run = build(3, runner_type, interval=1, max_keep_ckpts=1)
    assert isinstance(run, Runner)
    assert any(type(hook) is CheckpointHook for hook in run.hooks)
    seen = observe(monkeypatch, tmp_path / 'run')
    run.train()
    assert seen == [[], ['epoch_1.pth'], ['epoch_2.pth']]
    assert files(tmp_path / 'run') == ['epoch_3.pth']
    last = (tmp_path / 'run' / 'last_checkpoint').read_text()
    assert last == str(tmp_path / 'run' / 'epoch_3.pth')
    assert checkpoints.read(last)['message_hub']['runtime_info']['keep_ckpt_ids'] == [3]


def test_the_former_best_stays_until_the_new_one_is_whole(build, monkeypatch, tmp_path):
    seen = observe(monkeypatch, tmp_path / 'run')
    build(interval=1, max_keep_ckpts=1, best='score').train()
    for held, names in zip(range(len(seen)), seen, strict=True):
        best = [name for name in names if name.startswith('best')]
        assert held < 2 or best
    assert files(tmp_path / 'run') == ['best_score_epoch_4.pth', 'epoch_4.pth']
    hub = checkpoints.read(tmp_path / 'run' / 'epoch_4.pth')['message_hub']
    assert hub['runtime_info']['best_score'] == 3


@pytest.mark.parametrize('how', ['another work dir', 'a copy', 'a moved folder'])
def test_best_files_of_the_former_folder_are_left_alone(build, tmp_path, how):
    """Checkpoints know the best one by its path, which is of the run that wrote it."""
    run, other = tmp_path / 'run', tmp_path / 'other'
    build(3, interval=1, best='score').train()
    if how == 'a copy':
        shutil.copytree(run, other)
    elif how == 'a moved folder':
        run.rename(other)
    resumed, scores = build(4, interval=1, best='score'), RisingThenFalling
    scores.epoch = 3
    resumed._work_dir = str(other)
    resumed._resume = True
    source = other if (other / 'epoch_3.pth').exists() else run
    resumed._load_from = str(source / 'epoch_3.pth')

    resumed.train()

    best = [name for name in files(other) if name.startswith('best')]
    assert best == ['best_score_epoch_4.pth']
    if how != 'a moved folder':
        assert 'best_score_epoch_2.pth' in files(run)


@pytest.mark.parametrize('runner_type', ['rsp.PortableRunner', 'Runner'])
def test_a_run_killed_in_any_save_goes_on_from_the_one_before(
    build, monkeypatch, tmp_path, runner_type
):
    build(3, runner_type, interval=1, max_keep_ckpts=-1).train()
    straight = checkpoints.read(tmp_path / 'run' / 'epoch_3.pth')['state_dict']
    for file in (tmp_path / 'run').glob('*.pth'):
        file.unlink()
    (tmp_path / 'run' / 'last_checkpoint').unlink()
    put, count = LocalBackend.put, []

    def dying(self, obj, filepath):
        count.append(filepath)
        if len(count) == 2:
            Path(filepath).write_bytes(obj[: len(obj) // 2])
            os.link(filepath, Path(filepath).with_name('.epoch_2.0.unfinished.pth'))
            raise Killed
        put(self, obj, filepath)

    monkeypatch.setattr(LocalBackend, 'put', dying)
    with pytest.raises(Killed):
        build(3, runner_type, interval=1, max_keep_ckpts=1).train()
    assert files(tmp_path / 'run') == ['.epoch_2.0.unfinished.pth', 'epoch_1.pth']
    resumed = build(3, runner_type, interval=1, max_keep_ckpts=1)
    resumed._resume, resumed._load_from = True, None
    resumed.train()
    assert files(tmp_path / 'run') == ['epoch_3.pth']
    state = checkpoints.read(tmp_path / 'run' / 'epoch_3.pth')['state_dict']
    assert all(torch.equal(state[name], tensor) for name, tensor in straight.items())


def test_options_of_mmengine_keep_their_meaning(build, tmp_path):
    build(
        interval=3,
        by_epoch=False,
        max_keep_ckpts=2,
        save_optimizer=False,
        filename_tmpl='at_{}.pth',
        published_keys=['state_dict'],
        save_begin=2,
    ).train()
    *published, at_5, at_8 = sorted(files(tmp_path / 'run'), key=lambda n: '-' not in n)
    assert (at_5, at_8) == ('at_5.pth', 'at_8.pth')
    assert 'optimizer' not in checkpoints.read(tmp_path / 'run' / at_8)
    [name] = published
    assert list(checkpoints.read(tmp_path / 'run' / name)) == ['state_dict']


def test_a_run_without_a_hook_saves_nothing(tmp_path, build):
    run = build()
    cfg = run.cfg.copy()
    cfg.default_hooks.checkpoint = None
    cfg.experiment_name += 'x'
    other = build_runner(cfg)
    assert not any(isinstance(hook, CheckpointHook) for hook in other.hooks)


def saver(done, again=False):
    """Return a hook that saves when ``done`` iterations are trained."""
    from mmengine.hooks import Hook

    class Saver(Hook):
        def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
            if runner.iter + 1 in done:
                [hook] = [h for h in runner.hooks if isinstance(h, CheckpointHook)]
                self.saved = hook.save_now(runner, runner.iter + 1)
                if not again:
                    raise Killed

    return Saver()


def test_an_unplanned_checkpoint_is_found_first_and_replaced(build, tmp_path):
    first = build(interval=1, max_keep_ckpts=1)
    hook = saver([3])
    first.register_hook(hook)
    with pytest.raises(Killed):
        first.train()
    folder = tmp_path / 'run'
    assert files(folder) == ['epoch_1.pth', 'iter_3.pth']
    assert hook.saved == str(folder / 'iter_3.pth')
    assert (folder / 'last_checkpoint').read_text() == hook.saved
    assert checkpoints.resume_target(folder, None) == folder / 'iter_3.pth'
    meta = checkpoints.read(hook.saved)['meta']
    assert (meta['epoch'], meta['iter']) == (1, 3)
    resumed = build(interval=1, max_keep_ckpts=1)
    resumed._resume = True
    resumed.train()
    assert files(folder) == ['epoch_4.pth']


def test_unplanned_checkpoints_keep_to_the_names_of_planned_ones(build, tmp_path):
    run = build(1, interval=2, by_epoch=False, max_keep_ckpts=2)
    run.register_hook(saver([1], again=True))
    run.train()
    assert files(tmp_path / 'run') == ['iter_1.pth', 'iter_2.pth']


def test_nan_ends_the_run_and_keeps_the_good_checkpoints(build, tmp_path):
    run = build(interval=1, max_keep_ckpts=1)

    class Spoil(type(saver([]))):
        def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
            if runner.iter == 3:
                runner.model.layer.weight.data[0, 0] = float('nan')

    run.register_hook(Spoil())
    with pytest.raises(UserError, match=r'epoch_2\.pth.*NaN.*layer\.weight.*--resume'):
        run.train()
    assert files(tmp_path / 'run') == ['epoch_1.pth']
    checkpoints.read(tmp_path / 'run' / 'epoch_1.pth')


def test_in_the_background_the_same_files_are_written(build, monkeypatch, tmp_path):
    build(interval=1, max_keep_ckpts=2, best='score').train()
    run = tmp_path / 'run'
    expected = {name: checkpoints.read(run / name)['state_dict'] for name in files(run)}
    for name in expected:
        (run / name).unlink()
    put = LocalBackend.put

    def slow(self, obj, filepath):
        # Meanwhile the next epoch changes the weights.
        time.sleep(0.1)
        put(self, obj, filepath)

    monkeypatch.setattr(LocalBackend, 'put', slow)
    more = dict(max_keep_ckpts=2, best='score', in_background=True)
    build(interval=1, **more).train()
    assert files(run) == sorted(expected)
    for name, state in expected.items():
        found = checkpoints.read(run / name)['state_dict']
        assert all(torch.equal(found[key], tensor) for key, tensor in state.items())
    assert (run / 'last_checkpoint').read_text() == str(run / 'epoch_4.pth')


def test_errors_in_the_background_end_the_run_and_remove_nothing(
    build, monkeypatch, tmp_path
):
    put, count = LocalBackend.put, []

    def full(self, obj, filepath):
        count.append(filepath)
        if len(count) == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        put(self, obj, filepath)

    monkeypatch.setattr(LocalBackend, 'put', full)
    run = build(interval=1, max_keep_ckpts=1, in_background=True)
    with pytest.raises(UserError, match=r'epoch_2\.pth.*No space left.*epoch_1\.pth'):
        run.train()
    assert files(tmp_path / 'run') == ['epoch_1.pth']
    last = (tmp_path / 'run' / 'last_checkpoint').read_text()
    assert last == str(tmp_path / 'run' / 'epoch_1.pth')


def test_a_config_that_names_no_hook_saves_by_ours(build):
    cfg = build().cfg.copy()
    cfg.pop('default_hooks')
    cfg.experiment_name += 'x'
    [hook] = [h for h in build_runner(cfg).hooks if isinstance(h, MMCheckpointHook)]
    assert type(hook) is CheckpointHook
    assert hook.interval == 1


def test_only_a_best_one_that_is_wanted_is_looked_for(build):
    runner = build()
    hook = next(h for h in runner.hooks if isinstance(h, CheckpointHook))
    hook.before_train(runner)
    hook.after_val_epoch(runner, dict(accuracy=1.0))
    assert [*Path(runner.work_dir).glob('best_*')] == []
