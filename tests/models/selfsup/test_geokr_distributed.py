"""GeoKR on two gloo ranks against one process."""

import importlib.util
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch.nn.parallel import DistributedDataParallel
from torch.testing import assert_close

from rsp.engine.hooks import TeacherHook

pytestmark = pytest.mark.dist


def single():
    """The tests of one process: their small model and batches serve here too."""
    spec = importlib.util.spec_from_file_location(
        'single', Path(__file__).with_name('test_geokr.py')
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Hub(dict):
    """Imitate the part of mmengine's message hub that the hook uses."""

    def get_info(self, key, default):
        return self.get(key, default)

    def update_info(self, key, value):
        self[key] = value


def train(model, batches, world_size, learner=None):
    """Steps with the hook after each; the steps at which the teacher moved."""
    hook = TeacherHook(milestones=(0, 12, 24))
    runner = SimpleNamespace(
        model=model,
        world_size=world_size,
        message_hub=Hub(),
        optim_wrapper=SimpleNamespace(should_update=lambda: True),
        hooks=[],
    )
    trainable = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(trainable, 0.05)
    moved = []
    for step, (images, samples) in enumerate(batches):
        losses = (learner or model)(images, samples, mode='loss')
        optimizer.zero_grad()
        single().total(losses).backward()
        optimizer.step()
        before = int(model.teacher.steps)
        hook.after_train_iter(runner, step, dict(inputs=images))
        moved += [step] * (int(model.teacher.steps) - before)
    return moved


# Without batch norm, so that images of a batch stay apart: synchronized batch norm
# exists on GPUs only.
NORM = dict(type='GN', num_groups=2)


def model_of(seed):
    torch.manual_seed(seed)
    backbone = dict(single().RESNET, norm_cfg=NORM)
    return single().geokr(backbone, teacher=dict(momentum=0.3)).double()


def batch_of(rank, step):
    return single().batch(count=3, dtype=torch.float64, seed=10 * step + rank)


def train_on_two(steps):
    rank = torch.distributed.get_rank()
    # Ranks draw different weights, as processes do; DDP takes those of rank 0.
    model = model_of(seed=rank)
    wrapped = DistributedDataParallel(model, broadcast_buffers=False)
    batches = [batch_of(rank, step) for step in range(steps)]
    moved = train(model, batches, 2, wrapped)
    return moved, {k: v for k, v in model.state_dict().items()}


def test_two_ranks_are_one_process_with_all_images(gloo):
    """Teacher in step on both; images of both ranks count, six per step."""
    (moved, first), (also, second) = gloo(train_on_two, 6)
    assert moved == also == [0, 2, 4]
    for name, tensor in first.items():
        assert torch.equal(tensor, second[name]), name

    model = model_of(seed=0)
    together = []
    for step in range(6):
        (images, samples), (others, more) = batch_of(0, step), batch_of(1, step)
        joined = type(samples)()
        joined.set_field(torch.cat([samples.gt_score, more.gt_score]), 'gt_score')
        together.append((torch.cat([images, others]), joined))
    assert train(model, together, 1) == [0, 2, 4]
    for name, tensor in model.state_dict().items():
        assert_close(first[name], tensor, rtol=1e-6, atol=1e-9)
