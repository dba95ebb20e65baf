"""What goes wrong on one of two processes ends or skips the step on both."""

import json
import os
import sys
from pathlib import Path

import pytest
import torch
from mmengine.hooks import Hook

sys.path.append(str(Path(__file__).parent))
from small_runs import small_config, write_data

from rsp.engine.distributed import unwrap_model
from rsp.engine.hooks import NonFiniteHook
from rsp.engine.train import build_runner
from rsp.errors import UserError

BAD_STEP = 4


class Poison(Hook):
    """Put NaN into the images of a step, and keep the model before and after it."""

    priority = 'HIGHEST'

    def __init__(self, steps):
        self.steps = steps
        self.states = []

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        state = unwrap_model(runner.model).state_dict()
        self.states.append({name: tensor.clone() for name, tensor in state.items()})
        if runner.iter + 1 in self.steps:
            data_batch.update(poisoned(dict(data_batch)))


def poisoned(batch, inside=False):
    """Return a batch of whatever nesting with NaN for all pixels of its inputs."""
    if isinstance(batch, dict):
        return {
            name: poisoned(one, inside or name == 'inputs')
            for name, one in batch.items()
        }
    if not inside:
        return batch
    if isinstance(batch, torch.Tensor):
        return torch.full(batch.shape, float('nan'))
    return [poisoned(one, inside) for one in batch]


def train_on_both(method, root, rank_of_bad, steps, **options):
    """Train here, as one of two processes; the given one has NaN in some steps."""
    os.environ.setdefault('LOCAL_RANK', '0')
    several = os.environ.pop('WORLD_SIZE', None)
    options |= dict(train_dataloader__batch_size=2)
    cfg = small_config(method, Path(root), 'run', **options)
    if several is not None:
        os.environ['WORLD_SIZE'] = several
    cfg.launcher = 'pytorch'
    runner = build_runner(cfg)
    hook = Poison(steps if runner.rank == rank_of_bad else ())
    runner.register_hook(hook)
    try:
        runner.train()
        error = None
    except UserError as wrong:
        error = str(wrong)
    [watch] = [h for h in runner.hooks if isinstance(h, NonFiniteHook)]
    return hook.states, error, watch.count, runner.iter


@pytest.fixture
def root(tmp_path):
    return write_data(tmp_path)


def of_both(gloo, *arguments, **options):
    return gloo(call, arguments, options)


def call(arguments, options):
    return train_on_both(*arguments, **options)


@pytest.mark.dist
@pytest.mark.parametrize(
    'method',
    [
        'moco',
        *(
            pytest.param(name, marks=pytest.mark.slow)
            for name in ('gersp', 'cmid', 'geokr', 'supervised')
        ),
    ],
)
def test_nan_on_one_process_is_skipped_by_both(method, gloo, root):
    if method == 'geokr':
        pytest.importorskip('rasterio', reason="needs the 'geo' extra")
        small_config(method, root, 'unused')  # writes the scenes once
    ranks = of_both(gloo, method, str(root), 1, (BAD_STEP,))
    (states, _, _, _), (others, _, _, _) = ranks
    for _, error, count, steps in ranks:
        assert error is None
        assert (count, steps) == (1, len(states))
    for number, (one, other) in enumerate(zip(states, others, strict=True)):
        for name, tensor in one.items():
            assert tensor.isfinite().all(), (number, name)
            if 'running_' not in name and not name.endswith('num_batches_tracked'):
                assert torch.equal(tensor, other[name]), (number, name)
    # Nothing of the step stays: weights, teacher, queue, statistics.
    for ours in (states, others):
        for name, tensor in ours[BAD_STEP - 1].items():
            assert torch.equal(ours[BAD_STEP][name], tensor), name
        assert any(
            not torch.equal(ours[BAD_STEP + 1][name], tensor)
            for name, tensor in ours[BAD_STEP].items()
        )
    folder = root / 'run/non_finite'
    assert [file.name for file in folder.glob('*.pth')] == ['step_4_rank_1.pth']
    [told] = json.loads((folder / 'step_4.json').read_text())['ranks']
    assert told['rank'] == 1
    assert told['items'] == told['not_finite']
    assert told['items']
    assert all(str(root) in item for item in told['items'])


@pytest.mark.slow
@pytest.mark.dist
def test_nan_on_one_process_ends_both_where_the_config_says_so(gloo, root):
    ranks = of_both(
        gloo,
        *('gersp', str(root), 1, (BAD_STEP, BAD_STEP + 1)),
        default_hooks__non_finite__max_in_a_row=1,
    )
    errors = [error for _, error, _, _ in ranks]
    assert errors[0] == errors[1]
    assert errors[0].startswith('2 steps in a row without a finite gradient')
    assert 'step 5 (epoch 1, rank 1) is not finite: loss nan' in errors[0]
    assert 'of 4 images, whose pixels are not finite in 4: /' in errors[0]
    assert 'Repair these files' in errors[0]
    assert 'rsp replay' in errors[0]


@pytest.mark.slow
@pytest.mark.dist
def test_nan_in_one_pass_of_one_process_skips_the_whole_step(gloo, root):
    """Of two accumulated passes a step, the first one of the second step."""
    ranks = of_both(
        gloo,
        *('gersp', str(root), 0, (3,)),
        optim_wrapper__accumulative_counts=2,
    )
    for states, error, count, _ in ranks:
        assert (error, count) == (None, 1)
        for name, tensor in states[2].items():
            assert torch.equal(states[4][name], tensor), name
    [told] = json.loads((root / 'run/non_finite/step_4.json').read_text())['ranks']
    assert told['rank'] == 0
    # Both passes, of two pairs of a scene and a photo each.
    assert len(told['losses']) == 2
    assert len(told['items']) == 8
