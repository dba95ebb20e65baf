import json
import os
import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.registry import DATASETS, LOOPS, MODELS, RUNNERS
from mmengine.runner import BaseLoop
from torch import nn

from rsp.engine.distributed import unwrap_model
from rsp.engine.runner import PortableRunner


@DATASETS.register_module(force=True)
class ToyScenes(torch.utils.data.Dataset):
    """Twelve images of random size-4 pixels, the same in every process."""

    def __len__(self):
        return 12

    def __getitem__(self, index):
        generator = torch.Generator().manual_seed(index)
        return dict(inputs=torch.rand(3, 4, 4, generator=generator))


@DATASETS.register_module(force=True)
class ToyPairs(ToyScenes):
    sources = dict(remote=None, natural=None)


@MODELS.register_module(force=True)
class Toy(BaseModel):
    """A backbone with its teacher, trained towards zero."""

    def __init__(self, width=2, sync_bn=False):
        super().__init__()
        norm = nn.SyncBatchNorm if sync_bn else nn.BatchNorm2d
        self.backbone = nn.Sequential(nn.Conv2d(3, width, 3), norm(width))
        self.head = nn.Linear(width, 1)
        self.teacher = nn.Module()
        self.teacher.module = nn.ModuleDict(dict(backbone=nn.Conv2d(3, width, 3)))
        self.teacher.requires_grad_(False)

    def forward(self, inputs, data_samples=None, mode='tensor'):
        scores = self.head(self.backbone(torch.stack(list(inputs))).mean(dim=(2, 3)))
        return dict(loss=scores.square().mean()) if mode == 'loss' else scores


@MODELS.register_module(force=True)
class OtherModel(BaseModel):
    """Shares no tensor with Toy."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.Linear(2, 2)

    def forward(self, inputs, data_samples=None, mode='tensor'):
        raise NotImplementedError


@pytest.fixture
def build(tmp_path, request):
    """Return a function that builds a runner of a toy model."""
    built = []

    def build(model='Toy', dataset='ToyScenes', folder='run', **more):
        cfg = Config(
            dict(
                model=dict(type=model) if isinstance(model, str) else model,
                work_dir=str(tmp_path / folder),
                train_dataloader=dict(
                    dataset=dict(type=dataset),
                    batch_size=4,
                    sampler=dict(type='DefaultSampler', shuffle=True),
                ),
                train_cfg=dict(by_epoch=True, max_epochs=2),
                optim_wrapper=dict(
                    type='OptimWrapper',
                    optimizer=dict(type='SGD', lr=0.1, momentum=0.9),
                ),
                randomness=dict(seed=0),
                runner_type='rsp.PortableRunner',
                # Instances of mmengine's managers are found by this name.
                experiment_name=f'{request.node.name}-{len(built)}',
            )
            | more
        )
        built.append(RUNNERS.build(cfg))
        return built[-1]

    return build


def log(runner):
    for handler in runner.logger.handlers:
        handler.flush()
    [file] = Path(runner.log_dir).glob('*.log')
    # The configuration is logged too and repeats what is searched for.
    return file.read_text().rpartition('Hooks will be executed')[-1]


def test_a_config_selects_it_by_name(build):
    assert type(build()) is PortableRunner


@pytest.mark.parametrize(
    ('memory_format', 'channels_last'), [('channels_last', True), ('contiguous', False)]
)
def test_weights_take_the_memory_format(build, memory_format, channels_last):
    runner = build(memory_format=memory_format)
    for backbone in (runner.model.backbone[0], runner.model.teacher.module['backbone']):
        weight = backbone.weight
        assert weight.is_contiguous(memory_format=torch.channels_last) is channels_last
    runner.train()
    assert runner.model.backbone[0].weight.is_contiguous() is not channels_last


def test_an_unknown_memory_format_is_refused(build):
    expected = r"memory_format to be one of 'contiguous', 'channels_last', got 'nhwc'"
    with pytest.raises(ValueError, match=expected):
        build(memory_format='nhwc')


def test_backbone_and_teacher_are_compiled_in_place(build):
    names = list(Toy().state_dict())
    # 'eager' runs the traced code as it is: no compiler is needed to see the calls.
    runner = build(compile_backbone=dict(backend='eager'))
    model = runner.model
    for backbone in (model.backbone, model.teacher.module['backbone']):
        assert backbone._compiled_call_impl is not None
    assert list(model.state_dict()) == names
    runner.train()


def test_nothing_is_compiled_unless_asked(build):
    assert build().model.backbone._compiled_call_impl is None


def test_compiling_a_model_without_a_backbone_is_refused(build):
    with pytest.raises(
        ValueError, match=r'backbone, got OtherModel; set compile_backb'
    ):
        build(model='OtherModel', compile_backbone=True)


def test_another_step_than_the_recipes_is_one_line_in_the_log(build):
    runner = build(dataset='ToyPairs', auto_scale_lr=dict(base_batch_size=16))
    runner.train()
    lines = [line for line in log(runner).splitlines() if 'recipe was' in line]
    assert len(lines) == 1
    assert '4 pairs per step; the recipe was made for 16 (lr 0.1): pass' in lines[0]
    assert '--auto-scale-lr to use lr 0.025' in lines[0]
    assert runner.optim_wrapper.get_lr()['lr'] == [0.1]


def test_a_run_goes_on_without_fused_updates_that_torch_lacks(build, monkeypatch):
    monkeypatch.setattr('rsp.engine.device.fuses_on_cpu', lambda kind: False)
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    runner = build(
        optim_wrapper=dict(
            type='OptimWrapper', optimizer=dict(type='AdamW', lr=0.1, fused=True)
        )
    )
    runner.train()
    assert not runner.optim_wrapper.optimizer.defaults['fused']
    assert 'has no fused AdamW on a CPU' in log(runner)


def test_auto_scale_lr_scales_the_rate_and_its_floor_and_nothing_else(build):
    # 4 pairs, accumulated over 2 passes, against 16: half of everything.
    runner = build(
        optim_wrapper=dict(
            type='OptimWrapper',
            optimizer=dict(type='SGD', lr=0.1, momentum=0.9, weight_decay=0.5),
            accumulative_counts=2,
        ),
        auto_scale_lr=dict(base_batch_size=16, enable=True),
        param_scheduler=dict(type='CosineAnnealingLR', T_max=1, eta_min_ratio=0.1),
    )
    runner.train()
    [group] = runner.optim_wrapper.optimizer.param_groups
    assert group['initial_lr'] == pytest.approx(0.05)
    assert group['lr'] == pytest.approx(0.005)
    assert (group['momentum'], group['weight_decay']) == (0.9, 0.5)
    assert 'recipe was made for 16: lr 0.1 × 0.5 = 0.05' in log(runner)


def test_auto_scale_lr_refuses_a_floor_that_would_stay(build):
    runner = build(
        auto_scale_lr=dict(base_batch_size=16, enable=True),
        param_scheduler=dict(type='CosineAnnealingLR', T_max=2, eta_min=0.01),
    )
    with pytest.raises(ValueError, match=r'eta_min=0.01.*write eta_min_ratio=0.1 '):
        runner.train()


def test_auto_scale_lr_scales_the_logged_base_rate_too(build):
    runner = build(
        optim_wrapper=dict(
            type='OptimWrapper',
            optimizer=dict(type='SGD', lr=0.1),
            paramwise_cfg=dict(custom_keys=dict(head=dict(lr_mult=10))),
        ),
        auto_scale_lr=dict(base_batch_size=8, enable=True),
    )
    runner.train()
    rates = runner.optim_wrapper.get_lr()
    assert rates['base_lr'] == [pytest.approx(0.05)]
    assert sorted(set(rates['lr'])) == pytest.approx([0.05, 0.5])


def test_a_resumed_run_equals_one_that_was_not_interrupted(build):
    scheduler = dict(type='CosineAnnealingLR', T_max=3, eta_min_ratio=0.1, end=3)
    more = dict(param_scheduler=scheduler, memory_format='channels_last')
    straight = build(folder='a', train_cfg=dict(by_epoch=True, max_epochs=3), **more)
    straight.train()
    build(folder='b', **more).train()
    resumed = build(
        folder='b', train_cfg=dict(by_epoch=True, max_epochs=3), resume=True, **more
    )
    resumed.train()
    assert resumed.iter == straight.iter == 9
    for name, tensor in straight.model.state_dict().items():
        assert torch.equal(resumed.model.state_dict()[name], tensor), name
    for ours, theirs in zip(
        resumed.optim_wrapper.optimizer.state.values(),
        straight.optim_wrapper.optimizer.state.values(),
        strict=True,
    ):
        assert torch.equal(ours['momentum_buffer'], theirs['momentum_buffer'])
    losses = [
        r.message_hub.get_scalar('train/loss').data[0] for r in (resumed, straight)
    ]
    assert losses[0].tolist() == losses[1].tolist()


def test_resuming_nothing_starts_fresh_and_says_so(build):
    runner = build(resume=True)
    runner.train()
    assert runner.epoch == 2
    assert 'Nothing to resume in' in log(runner)


def test_resuming_another_model_is_refused(build):
    build().train()
    other = build(model=dict(type='Toy', width=3), folder='other', resume=True)
    file = Path(other.work_dir).parent / 'run' / 'epoch_2.pth'
    other._load_from = str(file)
    with pytest.raises(
        ValueError, match=r'cannot resume Toy from .*epoch_2.pth.*shape'
    ):
        other.train()


def test_resuming_a_missing_file_is_refused(build):
    runner = build(resume=True, load_from='nowhere/epoch_1.pth')
    with pytest.raises(FileNotFoundError, match=r'resume at .nowhere/epoch_1.pth'):
        runner.train()


def test_a_new_run_may_start_from_the_weights_that_fit(build):
    build().train()
    file = str(Path(build().work_dir) / 'epoch_2.pth')
    runner = build(folder='new', load_from=file)
    runner.train()
    assert runner.iter == 6
    other = build(folder='new', load_from=file)
    torch.save(dict(state_dict=dict(x=torch.zeros(1))), file)
    with pytest.raises(ValueError, match=r'no tensor of .*epoch_2.pth. fits Toy'):
        other.train()


def test_a_configuration_inside_a_checkpoint_is_not_run(build, tmp_path):
    build().train()
    file = tmp_path / 'run' / 'epoch_2.pth'
    content = torch.load(file, weights_only=False)
    made = tmp_path / 'made'
    content['meta']['config'] = f'open({str(made)!r}, "w")\n'
    torch.save(content, file)
    build(resume=True).train()
    assert not made.exists()


@LOOPS.register_module(force=True)
class Spread(BaseLoop):
    """A test loop that reports what the loaded weights are."""

    def __init__(self, runner, dataloader, evaluator):
        super().__init__(runner, dataloader)

    def run(self):
        return dict(weight=self.runner.model.head.weight.sum().item())


@pytest.fixture
def evaluate(build):
    def evaluate(**more):
        return build(
            test_cfg=dict(type='Spread'),
            test_dataloader=dict(
                dataset=dict(type='ToyScenes'), sampler=dict(type='DefaultSampler')
            ),
            test_evaluator=[],
            **more,
        )

    return evaluate


def test_an_evaluation_takes_the_weights_of_the_file(build, evaluate):
    trained = build()
    trained.train()
    runner = evaluate(load_from=str(Path(trained.work_dir) / 'epoch_2.pth'))
    assert runner.test()['weight'] == trained.model.head.weight.sum().item()


def test_an_evaluation_refuses_what_would_stay_untrained(evaluate, tmp_path):
    state = Toy().state_dict()
    del state['head.weight'], state['head.bias']
    file = tmp_path / 'backbone.pth'
    torch.save(dict(state_dict=state), file)
    with pytest.raises(ValueError, match=r'missing \(head.weight, head.bias\)'):
        evaluate(load_from=str(file)).test()


def test_an_evaluation_without_a_checkpoint_says_so_and_initializes(evaluate):
    @MODELS.register_module(force=True)
    class Initialized(Toy):
        def init_weights(self):
            nn.init.constant_(self.head.weight, 0.5)

    runner = evaluate(model='Initialized')
    assert runner.test()['weight'] == 1.0
    assert 'No checkpoint given: the weights are untrained' in log(runner)


BACKENDS = [dict(type='LocalVisBackend'), dict(type='TensorboardVisBackend')]


def test_without_tensorboard_a_run_goes_on_with_one_warning(build, monkeypatch):
    monkeypatch.setitem(sys.modules, 'torch.utils.tensorboard', None)
    cfg = dict(type='Visualizer', vis_backends=BACKENDS)
    runner = build(visualizer=cfg)
    runner.train()
    assert list(runner.visualizer._vis_backends) == ['LocalVisBackend']
    text = next(Path(runner.log_dir).glob('*.log')).read_text()
    assert text.count('TensorBoard is not installed') == 1


def test_with_tensorboard_nothing_is_dropped(build):
    pytest.importorskip('tensorboard')
    runner = build(visualizer=dict(type='Visualizer', vis_backends=BACKENDS))
    assert len(runner.visualizer._vis_backends) == 2


def test_hooks_can_tidy_up_after_a_failure(build):
    @MODELS.register_module(force=True)
    class Failing(Toy):
        def forward(self, *_, **__):
            raise RuntimeError('broken image')

    class Witness(Hook):
        failed = False

        def after_failure(self, runner):
            self.failed = True

    witness = Witness()
    runner = build(model='Failing')
    runner.register_hook(witness)
    with pytest.raises(RuntimeError, match='broken image'):
        runner.train()
    assert witness.failed


def test_loaders_without_workers_need_no_further_settings(build):
    runner = build(
        train_dataloader=dict(
            dataset=dict(type='ToyScenes'),
            batch_size=4,
            sampler=dict(type='DefaultSampler', shuffle=True),
            num_workers=0,
            persistent_workers=True,
        )
    )
    runner.train()
    assert runner.iter == 6


def train_with_sync_bn(folder):
    """Run on two gloo ranks: a model with synchronized batch norm."""
    os.environ['LOCAL_RANK'] = os.environ.get('LOCAL_RANK', '0')
    cfg = Config(
        dict(
            model=dict(type='Toy', sync_bn=True),
            work_dir=folder,
            train_dataloader=dict(
                dataset=dict(type='ToyScenes'),
                batch_size=4,
                sampler=dict(type='DefaultSampler', shuffle=True),
            ),
            train_cfg=dict(by_epoch=True, max_epochs=1),
            optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)),
            auto_scale_lr=dict(base_batch_size=16),
            launcher='pytorch',
            memory_format='channels_last',
            sync_bn='torch',
            runner_type='rsp.PortableRunner',
        )
    )
    runner = RUNNERS.build(cfg)
    runner.train()
    weights = unwrap_model(runner.model).head.weight.flatten().tolist()
    kinds = {type(m).__name__ for m in runner.model.modules()}
    return weights, sorted(kinds), str(runner.effective_batch_size), log(runner)


@pytest.mark.dist
def test_two_cpu_processes_train_one_model(gloo, tmp_path):
    first, second = gloo(train_with_sync_bn, str(tmp_path))
    assert first[0] == second[0]
    assert 'MMDistributedDataParallel' in first[1]
    assert 'CPUSyncBatchNorm' in first[1]
    assert not {'SyncBatchNorm', 'BatchNorm2d', '_BatchNormXd'} & set(first[1])
    assert first[2] == '4 images × 2 processes = 8 per step'
    assert '4 images × 2 processes = 8 per step; the recipe was made for 16' in first[3]
    [file] = tmp_path.rglob('*.log')
    told = file.read_text()
    assert told.count('batch norm are synchronized over 2 CPU processes') == 1


def test_a_backbone_that_does_not_fit_leaves_its_report(build, tmp_path):
    """The message names the first tensors only, and says where all of them are."""
    other = Toy(width=3).backbone.state_dict()
    torch.save({f'backbone.{n}': t for n, t in other.items()}, tmp_path / 'other.pth')
    runner = build(checkpoint=str(tmp_path / 'other.pth'), allow_partial=True)
    with pytest.raises(ValueError, match='does not fill'):
        runner.load_or_resume()
    report = json.loads((tmp_path / 'run/load_report.json').read_text())
    assert report['reshaped_tensors'] == 6
    assert report['reshaped'][0].startswith('0.weight: (3, 3, 3, 3) in the file')
