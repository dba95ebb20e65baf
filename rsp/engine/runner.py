"""Run configs on GPUs and CPUs, in one process or many."""

import logging
import sys
from collections.abc import Callable, Mapping
from typing import Any

import torch
from mmengine.dist import is_distributed
from mmengine.hooks import Hook
from mmengine.hooks import ParamSchedulerHook as MMParamSchedulerHook
from mmengine.hooks import RuntimeInfoHook as MMRuntimeInfoHook
from mmengine.logging import MMLogger
from mmengine.model import BaseTTAModel, is_model_wrapper
from mmengine.optim import OptimWrapper
from mmengine.runner import BaseLoop, IterBasedTrainLoop, Runner
from mmengine.runner.checkpoint import _load_checkpoint_to_model
from mmengine.visualization import Visualizer
from torch import nn
from torch.utils.data import DataLoader

from rsp import checkpoints
from rsp.compat import git_commit, installed_versions
from rsp.datasets.broken_files import never_skip, skip_in_training
from rsp.datasets.seeded import seeded_loader
from rsp.datasets.views import heed_exact_pillow
from rsp.engine import distributed
from rsp.engine.auto_scale_lr import (
    EffectiveBatchSize,
    batch_size_of,
    describe_difference,
    learning_rates,
    refuse_absolute_bounds,
    sample_unit,
)
from rsp.engine.auto_scale_schedule import scale_schedules
from rsp.engine.checkpoint_files import use_our_files
from rsp.engine.compile import compile_backbone, set_memory_format
from rsp.engine.device import fit_dataloader, fit_optimizer
from rsp.engine.distributed import unwrap_model
from rsp.engine.hooks.accumulation import (
    AccumulationHook,
    ParamSchedulerHook,
    passes_per_step,
)
from rsp.engine.logs import RuntimeInfoHook
from rsp.engine.logs.terminal import shorten_terminal
from rsp.engine.loops import resumable_loop
from rsp.engine.preflight import check_training
from rsp.engine.pretrained import load_backbone
from rsp.engine.processes.freed_memory import keep_freed_memory
from rsp.engine.processes.workers import guard_workers
from rsp.engine.resume.hook import ResumeHook
from rsp.engine.resume.state import gather_state, go_on
from rsp.errors import NO_ROOM
from rsp.models.modules.sync_batch_norm import synchronize_batch_norm
from rsp.ops import check
from rsp.registry import RUNNERS


@RUNNERS.register_module()
class PortableRunner(Runner):
    """Run configs as mmengine does, also without GPUs, and refuse silent mistakes.

    * Without GPUs, launched processes talk through gloo, batch norm synchronized.
    * ``resume`` refuses a checkpoint of another model; ``test`` and ``val`` refuse one
      that leaves a tensor of the model untouched. No checkpoint can run code.
    * A step that differs from the recipe's is named, ``--auto-scale-lr`` scales the
      whole curve or refuses, ``--auto-scale-schedule`` what else follows steps.
    * Without TensorBoard it warns and writes the other logs.

    Keyword Args:
        memory_format: ``'channels_last'`` or ``'contiguous'`` (default) weights;
            convolutions hand the format on to the activations.
        compile_backbone: True or the arguments of ``torch.compile``; compiles the
            backbone and its teacher in place, so that names in checkpoints stay. The
            whole step cannot be compiled: a queue is changed in it.
        checkpoint: File whose pre-trained backbone a new training starts with; what
            became of every tensor is logged and written to ``load_report.json``.
        allow_partial: Whether a backbone that does not fill the model's will do.
        inflate_stem: Whether the first layer of an RGB backbone is spread over the
            bands of the model's, see `rsp.checkpoints.adapt`.
        exact_pillow: Whether views are made by the published transforms themselves, and
            of all pixels; see `rsp.datasets.views.LoadViews`.
        trust: Whether to open checkpoints that may run code, from here on everywhere.
    """

    checks_training = True
    _resuming = False
    _evaluating = False
    # The checkpoint that is being resumed.
    _loaded: dict | None = None
    # What the checkpoint that is being saved gets beside weights and optimizer.
    resume_state: dict[str, Any] | None = None
    schedule_config: Any = None
    # While a validation draws its own numbers.
    random_state_of_training: dict[str, Any] | None = None
    state_of_training: dict[str, Any] | None = None

    @classmethod
    def from_cfg(cls, cfg: Any) -> 'Runner':
        """Build a runner, with the views that ``exact_pillow`` asks for."""
        heed_exact_pillow(cfg)
        return super().from_cfg(cfg)

    def setup_env(self, env_cfg: dict) -> None:
        """Join the process group where mmengine could not; set up files and memory."""
        # Before anything is built: backbones may load weights of their own.
        use_our_files(self.cfg.get('trust', False))
        if self.distributed and not is_distributed():
            distributed.join_process_group(self.launcher, env_cfg.get('dist_cfg', {}))
        super().setup_env(env_cfg)
        if not torch.cuda.is_available():
            keep_freed_memory()

    def wrap_model(self, model_wrapper_cfg: dict | None, model: nn.Module) -> nn.Module:
        """Set memory format and compilation, then wrap for what the machine has."""
        if is_model_wrapper(model):
            return super().wrap_model(model_wrapper_cfg, model)
        set_memory_format(model, self.cfg.get('memory_format', 'contiguous'))
        compile_backbone(model, self.cfg.get('compile_backbone', False))
        if not self.distributed or torch.cuda.is_available():
            return super().wrap_model(model_wrapper_cfg, model)
        model_wrapper_cfg = dict(
            type='MMDistributedDataParallel',
            broadcast_buffers=False,
            find_unused_parameters=self.cfg.get('find_unused_parameters', False),
        ) | dict(model_wrapper_cfg or {}, **distributed.ddp_options())
        sync_bn = self.cfg.get('sync_bn')
        check.one_of("'sync_bn'", sync_bn, (None, 'torch', 'mmcv'))
        model, layers = synchronize_batch_norm(model, every=sync_bn is not None)
        if layers:
            self.logger.info(
                f'{layers} layers of batch norm are synchronized over '
                f'{self.world_size} CPU processes.'
            )
        if sync_bn is None:
            return super().wrap_model(model_wrapper_cfg, model)
        # mmengine would put torch's in their place, which exists on GPUs only.
        self.cfg.sync_bn = None
        try:
            return super().wrap_model(model_wrapper_cfg, model)
        finally:
            self.cfg.sync_bn = sync_bn

    def build_logger(self, *args: Any, **kwargs: Any) -> MMLogger:
        """Build the logger; let a full disk end the run, not each line of the log."""
        logger = super().build_logger(*args, **kwargs)
        shorten_terminal(logger)
        for handler in logger.handlers:
            if isinstance(handler, logging.FileHandler):
                handler.handleError = _raise_if_full  # type: ignore[method-assign]
        return logger

    def build_visualizer(
        self, visualizer: Visualizer | dict | None = None
    ) -> Visualizer:
        """Build the visualizer, without TensorBoard if that is not installed."""
        if isinstance(visualizer, dict) and not _has_tensorboard():
            backends = visualizer.get('vis_backends') or []
            kept = [b for b in backends if 'Tensorboard' not in str(b['type'])]
            if len(kept) < len(backends):
                visualizer = dict(visualizer, vis_backends=kept)
                self.logger.warning(
                    'TensorBoard is not installed: no event files for this run; '
                    'pip install tensorboard, or drop TensorboardVisBackend from '
                    'vis_backends in the config.'
                )
        return super().build_visualizer(visualizer)

    def build_train_loop(self, loop: BaseLoop | dict) -> BaseLoop:
        """Build a loop that resumes at any iteration; refuse what cannot train.

        Before a schedule is made for it.
        """
        if isinstance(loop, dict):
            loop = resumable_loop(loop)
        built = super().build_train_loop(loop)
        skip_in_training(built.dataloader.dataset, self.work_dir, not self._resume)
        passes = (self.cfg.get('optim_wrapper') or {}).get('accumulative_counts', 1)
        check_training(self.model, built.dataloader, self.world_size, passes)
        return built

    @staticmethod
    def build_dataloader(
        dataloader: DataLoader | dict,
        seed: int | None = None,
        diff_rank_seed: bool = False,
    ) -> DataLoader:
        """Build a loader with the settings this machine and ``num_workers`` allow."""
        if isinstance(dataloader, dict):
            dataloader = seeded_loader(fit_dataloader(dataloader))
        loader = Runner.build_dataloader(dataloader, seed, diff_rank_seed)
        guard_workers(loader)
        # But those of a training, see `build_train_loop`.
        never_skip(loader.dataset)
        return loader

    def build_optim_wrapper(self, optim_wrapper: Any) -> Any:
        """Build an optimizer for this machine."""
        return super().build_optim_wrapper(fit_optimizer(optim_wrapper))

    def build_param_scheduler(self, scheduler: Any) -> Any:
        """Build schedules, and keep their config in case of another position."""
        several = scheduler if isinstance(scheduler, list) else [scheduler]
        if all(isinstance(one, Mapping) and 'type' in one for one in several):
            self.schedule_config = scheduler = self._with_ends(scheduler)
        return super().build_param_scheduler(scheduler)

    def _with_ends(self, scheduler: Any) -> Any:
        """End schedules in steps of the optimizer with its last step, unless told."""
        passes = passes_per_step(self)
        if passes == 1 or isinstance(self.train_loop, IterBasedTrainLoop):
            return scheduler
        last = -(-self.train_loop.max_iters // passes)
        if isinstance(scheduler, list):
            return [self._with_ends(one) for one in scheduler]
        by_epoch = scheduler.get('by_epoch', True)
        return scheduler if by_epoch else dict(end=last) | dict(scheduler)

    def register_hooks(
        self,
        default_hooks: dict | None = None,
        custom_hooks: list[Hook | dict] | None = None,
    ) -> None:
        """Register the hooks of the config, and those that every training needs."""
        super().register_hooks(default_hooks, custom_hooks)
        self.register_hook(ResumeHook())
        self.accumulation = AccumulationHook()
        self.register_hook(self.accumulation)
        ours = {
            MMParamSchedulerHook: ParamSchedulerHook,
            MMRuntimeInfoHook: RuntimeInfoHook,
        }
        for place, hook in enumerate(self._hooks):
            if type(hook) in ours:
                self._hooks[place] = ours[type(hook)]()
                self._hooks[place].priority = hook.priority

    def scale_lr(
        self, optim_wrapper: OptimWrapper, auto_scale_lr: dict | None = None
    ) -> None:
        """Scale the learning rate to this run's step, or log how it differs.

        Linear scaling (https://arxiv.org/abs/1706.02677). Unlike mmengine's, it counts
        accumulated passes, scales the logged base rate too, and refuses schedules with
        absolute bounds. Nothing but learning rates changes, unless `scale_schedules`
        is wanted as well.

        Raises:
            UserError: If a schedule would not scale with the rate.
        """
        base = (auto_scale_lr or {}).get('base_batch_size')
        if base is None:
            return
        if auto_scale_lr.get('schedule', False):  # type: ignore[union-attr]
            self.scale_schedules(base)
        groups = learning_rates(optim_wrapper)
        size = self.effective_batch_size
        lr = groups[-1]['lr']
        if not auto_scale_lr.get('enable', False):  # type: ignore[union-attr]
            difference = describe_difference(size, base, lr)
            if difference:
                self.logger.warning(difference)
            return
        factor = size.total / base
        if factor != 1:
            refuse_absolute_bounds(self.param_schedulers, lr)
        for group in groups:
            group['lr'] *= factor
        self.logger.info(
            f'{size}; the recipe was made for {base}: lr {lr:g} × {factor:g} = '
            f'{lr * factor:g}.'
        )

    def scale_schedules(self, base: int) -> None:
        """Fit averages and schedules in steps to this run's step, and log each change.

        Args:
            base: Samples per step of the recipe.

        Raises:
            UserError: If there is no rule for one of them.
        """
        size = self.effective_batch_size
        lines = scale_schedules(self, size.total / base) if size.total != base else []
        self.logger.info(
            f'{size}; the recipe was made for {base}: '
            f'{"; ".join(lines) or "no schedule counts steps"}.'
        )

    @property
    def effective_batch_size(self) -> EffectiveBatchSize:
        """Count samples per update; once the training loop is built."""
        loader = self.train_dataloader
        return EffectiveBatchSize(
            batch=batch_size_of(loader),
            processes=self.world_size,
            accumulated=getattr(self.optim_wrapper, '_accumulative_counts', 1),
            unit=sample_unit(loader.dataset),
        )

    def train(self) -> nn.Module:
        """Train; hooks may tidy up by ``after_failure`` if that is interrupted."""
        try:
            return super().train()
        except BaseException:
            self.call_hook('after_failure')
            raise

    def val(self) -> dict:
        """Validate a model that was loaded whole."""
        self._evaluating = True
        return super().val()

    def test(self) -> dict:
        """Test a model that was loaded whole."""
        self._evaluating = True
        return super().test()

    def load_or_resume(self) -> None:
        """Resume, load, or start fresh, and log which."""
        if self._has_loaded:
            return
        source = None
        if self._resume:
            trust, tell = self.cfg.get('trust', False), self.logger.warning
            source = checkpoints.resume_target(
                self.work_dir, self._load_from, trust, tell
            )
        if self.cfg.get('checkpoint') and not (source or self._evaluating):
            report = load_backbone(self, self.cfg.checkpoint)
            self.call_hook('after_load_backbone', report=report)
        if self._resume:
            if source is None:
                self.logger.info(
                    f'Nothing to resume in {self.work_dir}: starting fresh.'
                )
                return
            self.resume(str(source))
        elif self._load_from is not None:
            self.load_checkpoint(self._load_from)
        elif self._evaluating:
            self.logger.warning('No checkpoint given: the weights are untrained.')
            self._init_model_weights()

    def save_checkpoint(self, *args: Any, **kwargs: Any) -> None:
        """Save a checkpoint, with what resuming and the card of an export need.

        All processes call it: each has random numbers of its own to keep.
        """
        meta = dict(kwargs.pop('meta', None) or {})
        loader = getattr(self, '_train_loop', None)
        loader = getattr(loader, 'dataloader', None)
        if loader is not None and hasattr(loader.dataset, '__len__'):
            meta['images'] = len(loader.dataset)
        meta |= dict(git_commit=git_commit(), versions=installed_versions())
        self.resume_state = gather_state(self)
        super().save_checkpoint(*args, meta=meta, **kwargs)

    def resume(
        self,
        filename: str,
        resume_optimizer: bool = True,
        resume_param_scheduler: bool = True,
        map_location: str | Callable = 'default',
    ) -> None:
        """Go on from a checkpoint of this very model.

        Raises:
            UserError: If there is no such file, or another model wrote it.
        """
        # Over the CPU: a second copy of weights and momenta need not fit on the GPU.
        where = 'cpu' if map_location == 'default' else map_location
        self._resuming = True
        try:
            # mmengine's own would restore settings of the checkpoint silently.
            super().resume(filename, False, False, where)
            assert self._loaded is not None
            go_on(self, self._loaded, resume_optimizer, resume_param_scheduler)
        finally:
            self._resuming, self._loaded = False, None

    def load_checkpoint(
        self,
        filename: str,
        map_location: str | Callable = 'cpu',
        strict: bool = False,
        revise_keys: list = [(r'^module.', '')],  # noqa: B006  mmengine's signature
    ) -> dict:
        """Load weights, as strictly as their use demands.

        Resuming demands the same tensors, evaluation that every tensor of the model is
        in the file. A new run (``load_from``) takes what fits, but not nothing.

        Raises:
            UserError: See above.
        """
        trust = self.cfg.get('trust', False)
        checkpoint = checkpoints.read(filename, map_location, trust)
        file = checkpoints.Checkpoint(filename, checkpoint)
        checkpoints.refuse_non_finite(
            file.state_dict, filename, 'take an earlier checkpoint'
        )
        # mmengine would run this text as Python, for a number of GPUs.
        (checkpoint.get('meta') or {}).pop('config', None)
        self.call_hook('after_load_checkpoint', checkpoint=checkpoint)
        model = unwrap_model(self.model)
        model = model.module if isinstance(model, BaseTTAModel) else model
        if self._evaluating:
            ignored = checkpoints.load_whole_model(model, file)
            if ignored:
                self.logger.info(
                    f'{len(ignored)} tensors of {filename} are not part of '
                    f'{type(model).__name__}: {", ".join(ignored[:8])} ...'
                )
        else:
            if self._resuming:
                checkpoints.check_resumable(file, model)
                checkpoint['meta']['file'] = filename
                self._loaded = checkpoint
            else:
                checkpoints.check_overlap(file, model)
            _load_checkpoint_to_model(
                model, checkpoint, strict, revise_keys=revise_keys
            )
        self._has_loaded = True
        self.logger.info(f'Load checkpoint from {filename}')
        return checkpoint


def _has_tensorboard() -> bool:
    try:
        from torch.utils.tensorboard import SummaryWriter  # noqa: F401
    except ImportError:
        return False
    return True


def _raise_if_full(record: logging.LogRecord) -> None:
    """Let the error of a full disk out of a handler of the log."""
    error = sys.exc_info()[1]
    if isinstance(error, OSError) and error.errno in NO_ROOM:
        raise error
