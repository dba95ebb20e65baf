"""Steps that are not finite leave no trace but a message and a file to replay."""

import json
import math
import warnings

import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.model import BaseModel, ExponentialMovingAverage
from mmengine.registry import DATASETS, MODELS
from mmpretrain.structures import DataSample
from torch import nn

from rsp import checkpoints
from rsp.engine.hooks import NonFiniteHook
from rsp.engine.hooks.non_finite import is_finite
from rsp.engine.replay import Snapshot, non_finite_items, replay
from rsp.engine.replay.dump import pack, plain, unpack
from rsp.engine.train import build_runner
from rsp.errors import UserError
from rsp.models.modules import FeatureQueue


@DATASETS.register_module(force=True)
class SomeBad(torch.utils.data.Dataset):
    """Eight images, of which some are NaN."""

    def __init__(self, bad=()):
        self.bad = bad

    def __len__(self):
        return 8

    def __getitem__(self, index):
        generator = torch.Generator().manual_seed(index)
        image = torch.randn(3, 4, 4, generator=generator)
        sample = DataSample(metainfo=dict(img_path=f'/data/{index}.png'))
        sample.set_gt_label(index)
        return dict(
            inputs=image * float('nan') if index in self.bad else image,
            data_samples=sample,
        )


@MODELS.register_module(force=True)
class Noisy(BaseModel):
    """Has all that a forward pass changes: statistics, a queue, a teacher, a draw."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout())
        self.teacher = nn.Linear(2, 2).requires_grad_(False)
        self.frozen = nn.Linear(2, 2).requires_grad_(False)
        self.register_buffer('queue', torch.zeros(3))
        self.temperature = 1.0

    def forward(self, inputs, data_samples=None, mode='tensor'):
        features = self.layers(torch.stack(list(inputs))).mean(dim=(1, 2, 3))
        self.queue.copy_(features.detach().sum().expand(3))
        self.teacher.weight.mul_(0.9).add_(self.queue[0])
        return dict(loss_a=(features - 1).square().mean() / self.temperature)


class Heat(Hook):
    def before_train_iter(self, runner, batch_idx, data_batch=None):
        runner.model.temperature = 1 + runner.iter


@pytest.fixture
def build(tmp_path, request):
    count = iter(range(9))

    def build(bad=(), epochs=2, counts=1, hook=None, optimizer=None, **more):
        cfg = dict(
            model=dict(type='Noisy'),
            work_dir=str(tmp_path / 'run'),
            train_dataloader=dict(
                dataset=dict(type='SomeBad', bad=list(bad)),
                batch_size=2,
                sampler=dict(type='DefaultSampler', shuffle=False),
                collate_fn=dict(type='pseudo_collate'),
            ),
            train_cfg=dict(by_epoch=True, max_epochs=epochs),
            optim_wrapper=dict(
                optimizer=optimizer or dict(type='AdamW', lr=0.01),
                accumulative_counts=counts,
            ),
            custom_hooks=[dict(type='rsp.NonFiniteHook') | (hook or {})],
            randomness=dict(seed=0),
            runner_type='rsp.PortableRunner',
            experiment_name=f'{request.node.name}-{next(count)}',
        )
        return build_runner(Config(cfg | more))

    return build


def hook_of(runner):
    [hook] = [hook for hook in runner.hooks if isinstance(hook, NonFiniteHook)]
    return hook


class Record(Hook):
    """Store the state before every step and after its hooks."""

    priority = 'LOW'

    def __init__(self):
        self.states = []

    def look(self, runner):
        state = {n: t.clone() for n, t in runner.model.state_dict().items()}
        moments = [
            t.clone()
            for values in runner.optim_wrapper.optimizer.state.values()
            for t in values.values()
        ]
        self.states.append((state, moments))

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self.look(runner)

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.look(runner)


def equal(a, b):
    return all(torch.equal(a[0][n], b[0][n]) for n in a[0]) and all(
        torch.equal(x, y) for x, y in zip(a[1], b[1], strict=True)
    )


@pytest.mark.parametrize('counts', [1, 2])
def test_a_skipped_step_changes_nothing_and_is_told(build, tmp_path, counts):
    run = build(bad=[2], counts=counts)
    record = Record()
    run.register_hook(record)
    run.train()
    before, after = record.states[::2], record.states[1::2]
    # Batch 1 of 4 of each epoch; the step of two passes is the first of an epoch.
    for step in (1, 5):
        start = before[step // counts * counts]
        assert equal(start, after[step])
    for step in (3, 7):
        assert not equal(before[step // counts * counts], after[step])
    assert hook_of(run).count == 2
    told = json.loads((tmp_path / 'run/non_finite/step_2.json').read_text())
    names = ['/data/0.png', '/data/1.png', '/data/2.png', '/data/3.png'][-2 * counts :]
    assert told['ranks'][0]['items'] == names
    assert told['ranks'][0]['losses'][-1] == 'loss nan, loss_a nan'
    assert all(t.isfinite().all() for t in run.model.state_dict().values())


def test_schedules_take_a_first_step_that_is_left_out_for_one(build):
    schedule = dict(type='LinearLR', start_factor=0.5, by_epoch=False, begin=0, end=4)
    run = build(bad=[0, 1], param_scheduler=schedule)
    with warnings.catch_warnings():
        warnings.filterwarnings('error', message='.*scheduler.step', category=Warning)
        run.train()
    assert hook_of(run).count > 0


def test_a_run_without_such_steps_is_left_alone(build):
    states = []
    for hook in (dict(), dict(type='EmptyCacheHook')):
        run = build(hook=hook)
        run.train()
        states.append(run.model.state_dict())
    assert all(torch.equal(states[0][n], states[1][n]) for n in states[0])


@pytest.mark.parametrize('counts', [1, 2])
def test_a_kept_step_is_replayed_bit_for_bit(build, tmp_path, capsys, counts):
    run = build(bad=[6], counts=counts)
    run.register_hook(Heat())
    run.train()
    file = tmp_path / 'run/non_finite/step_4_rank_0.pth'
    assert replay(str(file)) == 0
    printed = capsys.readouterr().out
    assert 'the same, bit for bit' in printed
    assert '/data/7.png' in printed
    assert 'the first output that is not finite: layers.0 (Conv2d)' in printed
    content = checkpoints.read(file)
    assert len(content['batches']) == counts
    # The comparison can fail: another number in, another loss out.
    if counts == 2:
        content['batches'][0]['inputs'][0][0, 0, 0] += 1e-3
        torch.save(content, file)
        assert replay(str(file)) == 1
        assert 'NOT the same' in capsys.readouterr().out


def test_a_finite_step_is_replayed_bit_for_bit_too(build, tmp_path, monkeypatch):
    """Of NaN there is one, so that it could hide a difference."""
    asked = []

    def third_is_bad(optimizer):
        asked.append(1)
        return len(asked) != 3

    monkeypatch.setattr('rsp.engine.hooks.non_finite.is_finite', third_is_bad)
    run = build()
    run.register_hook(Heat())
    run.train()
    file = tmp_path / 'run/non_finite/step_3_rank_0.pth'
    assert math.isfinite(checkpoints.read(file)['losses'][0]['loss'])
    assert replay(str(file)) == 0


def test_too_many_in_a_row_end_the_run(build, tmp_path):
    run = build(bad=[2, 4, 6], hook=dict(max_in_a_row=2))
    with pytest.raises(
        UserError, match=r'^3 steps in a row.*step 4 .*loss nan.*data/6.png.*rsp replay'
    ):
        run.train()
    run = build(bad=[2, 4], hook=dict(max_in_a_row=2, keep=1))
    run.train()
    assert hook_of(run).count == 4
    run = build(bad=range(8), hook=dict(max_in_a_row=None), epochs=4)
    run.train()
    with pytest.raises(UserError, match=r'^1 steps in a row'):
        build(bad=[2], hook=dict(max_in_a_row=0)).train()


def test_as_many_are_kept_as_asked_for(build, tmp_path):
    build(bad=range(8), hook=dict(keep=2)).train()
    folder = tmp_path / 'run/non_finite'
    kept = sorted(file.name for file in folder.glob('*.pth'))
    assert kept == ['step_1_rank_0.pth', 'step_2_rank_0.pth']
    assert len(list(folder.glob('*.json'))) == 8


def test_ruined_weights_end_the_run_at_once(build):
    class Ruin(Hook):
        def before_train_iter(self, runner, batch_idx, data_batch=None):
            if runner.iter == 1:
                runner.model.layers[0].weight.data[0] = float('inf')

    run = build()
    run.register_hook(Ruin())
    with pytest.raises(
        UserError, match=r'step 2 .*1 of 4 weights hold NaN.*layers.0.w'
    ):
        run.train()


def test_no_checkpoint_is_removed_while_steps_go_wrong(build, tmp_path):
    class Spoil(Hook):
        def before_train_iter(self, runner, batch_idx, data_batch=None):
            if runner.epoch in (1, 2):
                for image in data_batch['inputs']:
                    image.fill_(float('nan'))

    def names():
        return sorted(file.name for file in (tmp_path / 'run').glob('*.pth'))

    class Look(Hook):
        seen = []

        def before_train_epoch(self, runner):
            Look.seen.append(names())

    saved = dict(checkpoint=dict(type='CheckpointHook', interval=1, max_keep_ckpts=1))
    run = build(default_hooks=saved, epochs=4)
    run.register_hook(Spoil())
    run.register_hook(Look())
    run.train()
    assert Look.seen[3] == ['epoch_1.pth', 'epoch_2.pth', 'epoch_3.pth']
    assert names() == ['epoch_4.pth']


def test_large_gradients_are_finite():
    weight = nn.Parameter(torch.zeros(9))
    optimizer = torch.optim.SGD([weight], lr=1)
    assert is_finite(optimizer)
    weight.grad = torch.full((9,), 3e38)
    assert is_finite(optimizer)
    for number in (float('nan'), float('inf'), -float('inf')):
        weight.grad[4] = number
        assert not is_finite(optimizer)


def test_a_frozen_part_is_copied_once():
    model = Noisy()
    snapshot = Snapshot(model)
    images = torch.randn(2, 3, 4, 4)
    for _ in range(2):
        before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        snapshot.take()
        model(images)
        snapshot.note_changes()
        snapshot.forget_unchanged()
        assert not torch.equal(model.teacher.weight, before['teacher.weight'])
        snapshot.restore()
        after = model.state_dict()
        assert all(torch.equal(after[name], before[name]) for name in before)
    assert 'teacher.weight' in snapshot._saved
    assert 'frozen.weight' not in snapshot._saved


def test_a_queue_is_undone_without_a_copy_of_it():
    model = nn.Sequential(FeatureQueue(dim=4, length=5))
    snapshot = Snapshot(model)
    for count in (3, 4):  # the second one wraps around
        snapshot.take()
        before = {name: t.clone() for name, t in model.state_dict().items()}
        # CMID pushes both views.
        model[0].push(torch.full((count, 4), torch.nan))
        model[0].push(torch.ones(count, 4))
        assert not torch.equal(before['0.feats'], model[0].feats)
        snapshot.note_changes()
        snapshot.restore()
        for name, tensor in model.state_dict().items():
            assert torch.equal(before[name], tensor), name
        model[0].push(torch.ones(count, 4))
    assert snapshot._saved.keys() == {'0.ptr'}
    snapshot.release()
    model[0].push(torch.ones(2, 4))
    assert model[0].overwritten is None


def test_data_samples_survive_and_open_without_running_code(tmp_path):
    sample = DataSample(metainfo=dict(img_path='a', window=(1, 2), shape=(3, 4)))
    sample.set_gt_label(3)
    sample.set_field(DataSample(metainfo=dict(x=1)), 'inner')
    batch = dict(inputs=[torch.ones(2)], data_samples=[sample], pair=(1, None))
    torch.save(pack(batch), tmp_path / 'a.pth')
    found = unpack(checkpoints.read(tmp_path / 'a.pth'))
    [other] = found['data_samples']
    assert isinstance(other, DataSample)
    assert other.metainfo == sample.metainfo
    assert other.gt_label.tolist() == [3]
    assert other.inner.metainfo == dict(x=1)
    assert found['pair'] == (1, None)
    with pytest.raises(UserError, match='kind of data sample'):
        unpack({'__element__': 'os.system', 'metainfo': {}, 'data': {}})
    assert plain(dict(a=(nn.Linear, torch.float16))) == dict(
        a=('torch.nn.modules.linear.Linear', 'float16')
    )


@pytest.mark.parametrize('layout', ['tensor', 'list', 'views', 'sources'])
def test_images_that_are_not_finite_are_named(layout):
    images = torch.zeros(3, 2, 4, 5)
    images[1, 1, 2, 3] = float('inf')
    samples = [DataSample(metainfo=dict(img_path=f'{n}.png')) for n in range(3)]
    batch = dict(inputs=images, data_samples=samples)
    if layout == 'list':
        batch['inputs'] = [*images]
    elif layout == 'views':
        batch['inputs'] = [torch.zeros(3, 2, 4, 5), images]
    elif layout == 'sources':
        batch = dict(remote=batch, natural=dict(batch, inputs=torch.zeros(3, 2, 6, 7)))
    assert non_finite_items(batch) == ['1.png']


def test_averages_of_mmengine_are_restored_though_they_leave_no_trace():
    model = nn.Sequential(ExponentialMovingAverage(nn.Linear(2, 3), momentum=0.5))
    student = nn.Linear(2, 3)
    snapshot = Snapshot(model)
    for _ in range(2):
        snapshot.take()
        model[0].update_parameters(student)
        snapshot.note_changes()
        snapshot.forget_unchanged()
        student = nn.Linear(2, 3)
    snapshot.take()
    before = {name: t.clone() for name, t in model.state_dict().items()}
    model[0].update_parameters(student)
    assert not torch.equal(before['0.module.weight'], model[0].module.weight)
    snapshot.restore()
    for name, tensor in model.state_dict().items():
        assert torch.equal(before[name], tensor), name


def test_a_dump_cannot_name_what_runs(build, tmp_path):
    build(bad=[2]).train()
    file = tmp_path / 'run/non_finite/step_2_rank_0.pth'
    content = checkpoints.read(file)
    content['config']['model']['layers'] = [dict(type='os.system', command='x')]
    torch.save(content, file)
    with pytest.raises(UserError, match=r"builds 'os.system'.*--trust"):
        replay(str(file))
    torch.save(dict(state_dict=dict(a=torch.ones(1))), file)
    with pytest.raises(UserError, match=r'expected a step that rsp.NonFiniteHook kept'):
        replay(str(file))


@pytest.mark.parametrize('runner_type', ['rsp.PortableRunner', 'Runner'])
def test_every_run_is_watched_once(build, runner_type):
    for custom in ([], [dict(type='rsp.NonFiniteHook', keep=0)]):
        run = build(custom_hooks=custom, runner_type=runner_type)
        assert hook_of(run).keep == (0 if custom else 3)
