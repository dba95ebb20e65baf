"""The formulas of docs/scaling.md count what two processes really send."""

import re
import runpy
import textwrap
from collections import Counter
from pathlib import Path

import pytest
import torch
from mmengine._strategy import FSDPStrategy
from mmengine.optim import OptimWrapper, build_optim_wrapper
from mmengine.registry import FUNCTIONS
from mmengine.runner import FlexibleRunner
from mmpretrain.structures import DataSample
from torch import distributed
from torch.nn.parallel import DistributedDataParallel

from rsp.engine.hooks import MeanOverRanksHook
from rsp.engine.train import build_runner, training_config
from rsp.models.modules.sync_batch_norm import synchronize_batch_norm
from rsp.models.selfsup import CMID, GeoKR, GeRSP, MoCo

SCRIPT = Path(__file__).parents[2] / 'tools/benchmarks/communication.py'
BATCH, SIZE = 3, (64, 32)
BACKBONE = dict(depth=18, stem_channels=8, base_channels=4)
HEAD = dict(type='ContrastiveHead', loss=dict(type='CrossEntropyLoss'), temperature=0.2)


def gersp():
    model = GeRSP(
        backbone=dict(type='ResNet', **BACKBONE),
        neck=dict(type='rsp.Projector', widths=[32, 16, 6]),
        head=HEAD,
        sup_head=dict(type='rsp.ClassificationHead', num_classes=5, in_channels=32),
        queue=dict(dim=6, length=20),
    )
    labels = DataSample().set_gt_label(torch.tensor([0, 4, 2]))
    return model, dict(remote=views(), natural=views()[0]), dict(natural=labels)


def moco():
    neck = dict(
        type='MoCoV2Neck',
        in_channels=32,
        hid_channels=16,
        out_channels=6,
        with_avg_pool=True,
    )
    model = MoCo(
        backbone=dict(type='ResNet', **BACKBONE),
        neck=neck,
        head=HEAD,
        queue_len=20,
        feat_dim=6,
    )
    return model, views(), None


def geokr():
    model = GeoKR(
        backbone=dict(type='ResNet', **BACKBONE),
        classifier=dict(type='rsp.Projector', widths=[32, 5]),
        head=dict(type='rsp.LandCoverHead', num_classes=5),
    )
    sample = DataSample()
    sample.set_field(torch.rand(BATCH, 5).softmax(1), 'gt_score')
    return model, views()[0], sample


def cmid():
    decoder = dict(type='SimMIMLinearDecoder', in_channels=32, encoder_stride=32)
    model = CMID(
        backbone=dict(type='rsp.MaskedResNet', **BACKBONE),
        reconstruction=dict(type='rsp.ReconstructionHead', decoder=decoder),
        neck=dict(type='rsp.Projector', widths=[32, 16, 6]),
        head=HEAD,
        queue=dict(dim=6, length=20),
        local_neck=dict(
            type='rsp.PrototypeNeck',
            in_channels=32,
            hidden_channels=8,
            out_channels=4,
            num_prototypes=9,
            norm_cfg=dict(type='BN1d'),
        ),
        local_head=dict(type='rsp.SelfDistillationHead', num_prototypes=9),
        num_matches=2,
    )
    model, _ = synchronize_batch_norm(model, every=True)
    sample = DataSample()
    sample.set_field((torch.rand(BATCH, 2, 2, 1) < 0.5).to(torch.uint8), 'masks')
    sample.set_field(64 * torch.rand(BATCH, 2, 2, 1, 2), 'positions')
    return model, views(), sample


def views():
    return [torch.randn(BATCH, 3, *SIZE) for _ in range(2)]


METHODS = dict(gersp=gersp, cmid=cmid, geokr=geokr, moco=moco)


def count_a_step(method, half):
    """Count the bytes and calls of a rank by kind, and those of the formulas."""
    model, inputs, samples = METHODS[method]()
    model.train()
    sizes, calls = Counter(), Counter()

    def counted(kind, function, place):
        def call(*args, **kwargs):
            sizes[kind] += args[place].numel() * args[place].element_size()
            calls[kind] += 1
            return function(*args, **kwargs)

        return call

    def exchange(state, bucket):
        sizes['reduce'] += bucket.buffer().numel() * bucket.buffer().element_size()
        calls['gradients'] += 1
        done = original['all_reduce'](bucket.buffer(), async_op=True)
        return done.get_future().then(lambda future: future.value()[0] / 2)

    names = dict(all_reduce=('reduce', 0), all_gather=('gather', 1))
    names |= dict(broadcast=('broadcast', 0))
    original = {name: getattr(distributed, name) for name in names}
    wrapped = DistributedDataParallel(model, broadcast_buffers=False)
    wrapped.register_comm_hook(None, exchange)
    trained = [p for p in model.parameters() if p.requires_grad]
    wrapper = OptimWrapper(torch.optim.SGD(trained, lr=0.01))
    try:
        for name, (kind, place) in names.items():
            setattr(distributed, name, counted(kind, original[name], place))
        with torch.autocast('cpu', torch.bfloat16, enabled=half):
            losses = wrapped(inputs, samples, mode='loss')
        total, outputs = model.parse_losses(losses)
        wrapper.update_params(total)
        MeanOverRanksHook().after_train_iter(None, 0, outputs=outputs)
    finally:
        for name, function in original.items():
            setattr(distributed, name, function)
    tool = runpy.run_path(str(SCRIPT))
    predicted, predicted_calls = Counter(), Counter()
    image = 3 * SIZE[0] * SIZE[1]
    for one in tool['collectives'](model, BATCH, image, 2, len(outputs), half, 8):
        predicted[one.kind] += one.size
        of_gradients = one.purpose == 'gradients'
        predicted_calls['gradients' if of_gradients else one.kind] += one.calls
    calls['gradients'] = min(calls['gradients'], 1)  # as many as there are buckets
    return dict(sizes), dict(predicted), dict(calls), dict(predicted_calls)


@pytest.mark.dist
@pytest.mark.parametrize('half', [False, True])
@pytest.mark.parametrize('method', METHODS)
def test_a_step_sends_what_the_formulas_say(method, half, gloo):
    for sizes, predicted, calls, predicted_calls in gloo(count_a_step, method, half):
        assert sizes == predicted
        assert calls == predicted_calls


def test_efficiencies_by_hand():
    tool = runpy.run_path(str(SCRIPT))
    one = tool['Collective']
    sent = [one('gradients', 'reduce', 8_000_000), one('keys', 'gather', 1_000_000, 2)]
    # 14 MB of gradients at 1 GB/s, 7 MB of keys, two calls of 10 us; 5 ms are hidden.
    low, high = tool['predict'](sent, 8, 0.010, 9e9, 1e9)
    assert low == pytest.approx(10 / (10 + 14 + 7 + 0.02))
    assert high == pytest.approx(10 / (10 + 9 + 7 + 0.02))
    # Beyond a node: 15.5 MB, and 31 MB; nothing of a step of a second is left of them.
    low, high = tool['predict'](sent, 32, 1.0, 1e9, 9e9)
    assert low == pytest.approx(1000 / (1000 + 15.5 + 31 + 0.06))
    assert high == pytest.approx(1000 / (1000 + 31 + 0.06))


PAGE = Path(__file__).parents[2] / 'docs/scaling.md'
# <config>, ... per GPU, <ms> (<options>): and a table.
TABLE = re.compile(
    r'`(\S+_fast\.py)`, .* ([\d.]+) ms(?: \(`(.*)`\))?:\n\n((?:\|.*\n)+)'
)


@pytest.mark.slow
def test_the_page_holds_what_the_tool_prints(monkeypatch, capsys):
    tables = TABLE.findall(PAGE.read_text())
    assert len(tables) == 4
    for config, step, options, table in tables:
        file = str(PAGE.parents[1] / 'configs' / config)
        monkeypatch.setattr(
            'sys.argv', [str(SCRIPT), file, '--step-ms', step, *options.split()]
        )
        runpy.run_path(str(SCRIPT), run_name='__main__')
        assert capsys.readouterr().out == table, config


def test_the_config_of_the_page_builds(tmp_path, monkeypatch):
    """By mmengine's runner and strategy; to run it takes GPUs."""
    (text,) = re.findall(r'```python\n(.*?)```', PAGE.read_text(), re.DOTALL)
    root = PAGE.parents[1]
    text = textwrap.dedent(text).replace("'configs/", f"'{root}/configs/")
    (tmp_path / 'large.py').write_text(text)
    monkeypatch.chdir(tmp_path)
    cfg = training_config('large.py')
    runner = build_runner(cfg)
    assert type(runner) is FlexibleRunner
    assert type(runner.strategy) is FSDPStrategy
    wrapper = runner.strategy.model_wrapper
    assert FUNCTIONS.get(wrapper['auto_wrap_policy']['type']) is not None


def step_weights(sharded):
    """Train CMID three steps by AdamW on this rank's images; return its weights."""
    torch.manual_seed(0)
    model, _, _ = cmid()
    torch.manual_seed(distributed.get_rank())
    optimizer = dict(type='AdamW', lr=0.01)
    if sharded:
        optimizer = dict(
            type='ZeroRedundancyOptimizer', optimizer_type='AdamW', lr=0.01
        )
    wrapped = DistributedDataParallel(model.train(), broadcast_buffers=False)
    settings = dict(type='OptimWrapper', optimizer=optimizer)
    settings['constructor'] = 'rsp.GroupedOptimWrapperConstructor'
    wrapper = build_optim_wrapper(wrapped, settings)
    for _ in range(3):
        losses = wrapped(views(), cmid()[2], mode='loss')
        wrapper.update_params(model.parse_losses(losses)[0])
        model.teacher.update_parameters(model.student)
    state = wrapper.optimizer.optim.state if sharded else wrapper.optimizer.state
    return {n: t.clone() for n, t in model.state_dict().items()}, len(state)


@pytest.mark.dist
def test_a_sharded_optimizer_trains_to_the_same_weights(gloo):
    whole, sharded = gloo(step_weights, False), gloo(step_weights, True)
    for (ours, states), (theirs, all_states) in zip(sharded, whole, strict=True):
        assert 0 < states < all_states
        for name, tensor in theirs.items():
            assert torch.equal(ours[name], tensor), name
    assert sum(states for _, states in sharded) == whole[0][1]
