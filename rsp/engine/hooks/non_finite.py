"""Tell of losses and gradients that are not finite, and learn nothing from them."""

import json
from pathlib import Path
from typing import Any

import torch
from mmengine.dist import all_gather_object, is_main_process
from mmengine.hooks import Hook
from mmengine.optim import AmpOptimWrapper, OptimWrapper
from mmengine.runner import Runner
from torch.optim import Optimizer

from rsp.checkpoints.reading.finite import non_finite
from rsp.engine.distributed import unwrap_model
from rsp.engine.logs.late_losses import LateLosses, are_finite
from rsp.engine.processes.agreement import on_any_rank
from rsp.engine.replay import (
    Snapshot,
    items_of,
    non_finite_items,
    numbers_of,
    write_dump,
)
from rsp.engine.replay.running import (
    COUNTS,
    describe,
    gradient_facts,
    losses_of,
    on_host,
)
from rsp.errors import UserError, shorten
from rsp.io.files import write_atomically
from rsp.ops import check
from rsp.registry import HOOKS


@HOOKS.register_module()
class NonFiniteHook(Hook):
    """Skip a step whose gradient holds NaN or infinity, tell of it, keep it for replay.

    Neither weights nor optimizer, statistics of batch norm or queue keep anything of
    such a step; accumulated passes count as one step. It is told with the files of its
    images, and kept in ``<work_dir>/non_finite`` for ``rsp replay``. Too many in a row
    end the run, and so do weights that are not finite themselves: then nothing can be
    learned any more.

    Of float16 with a loss scale, gradients beyond its range are normal and skipped by
    the scaler; there a step counts if its loss is not finite.

    Whether a gradient is finite is asked before every update, which waits for the
    device once: the only time in a step. Of a loss that is not finite while its
    gradient is, the run is told some steps later.

    Args:
        max_in_a_row: Steps in a row that are skipped before the run ends; 0 ends it at
            the first one, None never does.
        keep: Number of steps of a run that are kept for replay; each takes as much
            space as a checkpoint, and its batch.
    """

    # Before the teacher moves, and before losses of other processes are mixed in.
    priority = 'HIGHEST'

    def __init__(self, max_in_a_row: int | None = 10, keep: int = 3) -> None:
        if max_in_a_row is not None:
            check.at_least("'max_in_a_row' of rsp.NonFiniteHook", max_in_a_row, 0)
        self.max_in_a_row = max_in_a_row
        self.keep = keep
        self.in_a_row = self.count = self.kept = 0
        self.batches: list[Any] = []
        self.outputs: list[dict[str, Any]] = []
        self.late = LateLosses()
        self.numbers: list[dict[str, dict[str, Any]]] = []
        self.counts: dict[str, int] = {}
        self.gradient: dict[str, str] | None = None

    def before_train(self, runner: Runner) -> None:
        """Ask before every update whether the gradient is finite."""
        self.in_a_row = self.count = self.kept = 0
        self.late = LateLosses()
        wrapper = runner.optim_wrapper
        self.model = unwrap_model(runner.model)
        self.snapshot = Snapshot(self.model)
        # Of several optimizers each one has its own idea of a step.
        self.watching = isinstance(wrapper, OptimWrapper)
        if self.watching and not hasattr(wrapper.step, 'watched_by'):
            wrapper.step = _Watched(wrapper, self)
        elif self.watching:
            wrapper.step.watched_by = self

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None
    ) -> None:
        """Remember the state that the step starts from."""
        if not self.watching:
            return
        wrapper = runner.optim_wrapper
        counts = {name: getattr(wrapper, name) for name in COUNTS}
        if counts['_inner_count'] % wrapper._accumulative_counts == 0:
            self.batches, self.outputs, self.numbers = [], [], []
            self.gradient, self.counts = None, counts
            self.snapshot.take()
        self.batches.append(data_batch)

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: dict[str, Any] | None = None,
    ) -> None:
        """Tell of a step that was skipped.

        Raises:
            UserError: If there are too many in a row, or no weights left to learn with.
        """
        if not self.watching:
            return
        self.outputs.append(losses_of(outputs))
        if runner.optim_wrapper._accumulative_counts > 1:
            # Schedules may have changed them from pass to pass.
            self.numbers.append(numbers_of(self.model))
        if not runner.optim_wrapper.should_update():
            return
        scaled = isinstance(runner.optim_wrapper, AmpOptimWrapper)
        # The scaler has waited for the device already.
        if scaled and on_any_rank(not are_finite(self.losses)):
            self.snapshot.restore()
            self.gradient = dict(digest='', text='left to the scaler')
        if self.gradient is not None:
            self._tell(runner, are_finite(self.losses))
            return
        self.in_a_row = 0
        if not scaled:
            self.late.add(runner, self.outputs)

    @property
    def losses(self) -> list[dict[str, float]]:
        """Fetch the losses of this step's passes from the device."""
        return [on_host(outputs) for outputs in self.outputs]

    def after_train_epoch(self, runner: Runner) -> None:
        """Tell what was not told yet."""
        self.late.ask(runner)

    def watch(self, optimizer: Optimizer) -> bool:
        """Return whether an optimizer may step; if not, undo the forward pass."""
        self.snapshot.note_changes()
        if is_finite(optimizer):
            self.snapshot.forget_unchanged()
            return True
        self.gradient = gradient_facts(self.model)
        self.snapshot.restore()
        return False

    def after_train(self, runner: Runner) -> None:
        """Sum up."""
        self.late.ask(runner)
        self.snapshot.release()
        if self.count:
            runner.logger.warning(
                f'{self.count} steps of this run were skipped, since their losses or '
                f'gradients were not finite; see {_folder(runner)}.'
            )

    def _tell(self, runner: Runner, finite: bool) -> None:
        assert self.gradient is not None
        self.in_a_row += 1
        self.count += 1
        ranks: list[dict[str, Any]] = all_gather_object(self._facts(runner, finite))
        guilty = _guilty(ranks)
        folder, step = _folder(runner), runner.iter + 1
        kept = self.kept < self.keep
        if kept and runner.rank in [rank['rank'] for rank in guilty]:
            facts = {name: getattr(self, name) for name in KEPT}
            facts |= dict(losses=self.losses, random=self.snapshot.random)
            facts |= dict(numbers=self.numbers or [numbers_of(self.model)])
            write_dump(folder / f'step_{step}_rank_{runner.rank}.pth', runner, facts)
        self.kept += kept
        if is_main_process():
            _write_json(folder / f'step_{step}.json', _readable(step, guilty))
        first = guilty[0]
        named = f'{len(first["items"])} images: {shorten(first["items"], 4)}'
        remedy = (
            'Lower the learning rate or clip the gradient (optim_wrapper.clip_grad)'
        )
        if bad := first['not_finite']:
            named = f'{len(first["items"])} images, whose pixels are not finite in '
            named += f'{len(bad)}: {shorten(bad, 4)}'
            remedy = 'Repair these files, declare their no-data value or leave them out'
        dump = folder / f'step_{step}_rank_{first["rank"]}.pth'
        text = (
            f'step {step} (epoch {runner.epoch + 1}, rank {first["rank"]}) is not '
            f'finite: {describe(first["losses"][-1])}; gradient: '
            f'{self.gradient["text"]}; of {named}'
        )
        replay = f'; replay it by: rsp replay {dump}' if kept else ''
        runner.logger.warning(f'{text}. Nothing was learned from it{replay}')
        self._stop(text, f'{remedy}, then --resume{replay}')

    def _facts(self, runner: Runner, finite: bool) -> dict[str, Any]:
        return dict(
            rank=runner.rank,
            finite=finite,
            losses=self.losses,
            items=[name for batch in self.batches for name in items_of(batch)],
            not_finite=[n for batch in self.batches for n in non_finite_items(batch)],
        )

    def _stop(self, text: str, remedy: str) -> None:
        parameters = {n: p for n, p in self.model.named_parameters() if p.requires_grad}
        broken = non_finite(parameters)
        if broken:
            raise UserError(
                f'{text}; and {len(broken)} of {len(parameters)} weights hold NaN or '
                f'infinity ({shorten(broken, 3)}). {remedy}'
            )
        if self.max_in_a_row is not None and self.in_a_row > self.max_in_a_row:
            raise UserError(
                f'{self.in_a_row} steps in a row without a finite gradient, the last: '
                f'{text}. {remedy}'
            )


# Of the hook, what a dump tells of the step.
KEPT = ('batches', 'counts', 'gradient')


class _Watched:
    """Stand for ``step`` of an optimizer's wrapper, and ask a hook first."""

    def __init__(self, wrapper: OptimWrapper, hook: NonFiniteHook) -> None:
        self.wrapper, self.step = wrapper, wrapper.step
        self.watched_by = hook

    def __getattr__(self, name: str) -> Any:
        # Schedulers mark the function to see whether it is called.
        return getattr(self.step, name)

    def __call__(self, **kwargs: Any) -> None:
        if isinstance(self.wrapper, AmpOptimWrapper):  # Its scaler looks for itself.
            self.watched_by.snapshot.note_changes()
            self.step(**kwargs)
        elif self.watched_by.watch(self.wrapper.optimizer):
            self.step(**kwargs)
        # Schedules move on with a step that is left out, too, and warn if it is the
        # first: they believe that they were called too early.
        wrapper: Any = self.wrapper
        wrapper._global_step = max(getattr(wrapper, '_global_step', 0), 0)


def is_finite(optimizer: Optimizer) -> bool:
    """Return whether all gradients are finite; waits for the device once."""
    grads = [
        p.grad._values() if p.grad.is_sparse else p.grad
        for group in optimizer.param_groups
        for p in group['params']
        if p.grad is not None and p.grad.numel()
    ]
    if not grads:
        return True
    # Sums of squares are the fastest to take, but can overflow: then the largest
    # absolute values decide.
    return any(
        torch.stack([norm.float() for norm in torch._foreach_norm(grads, order)])
        .isfinite()
        .all()
        for order in (2, torch.inf)
    )


def skipped_last_step(runner: Runner) -> bool:
    """Tell whether nothing was learned from the last step of the optimizer."""
    return any(
        isinstance(hook, NonFiniteHook) and hook.in_a_row > 0 for hook in runner.hooks
    )


def _guilty(ranks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Choose the processes that a step went wrong on.

    Where statistics or keys go from one to the others, the losses of all are NaN: then
    those count whose images were.
    """
    return (
        [rank for rank in ranks if rank['not_finite']]
        or [rank for rank in ranks if not rank['finite']]
        or ranks
    )


def _folder(runner: Runner) -> Path:
    return Path(runner.work_dir, 'non_finite')


def _readable(step: int, ranks: list[dict[str, Any]]) -> dict[str, Any]:
    """Return losses as texts, since JSON knows no NaN."""
    texts = [dict(r, losses=[describe(of) for of in r['losses']]) for r in ranks]
    return dict(step=step, ranks=texts)


def _write_json(file: Path, content: dict[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with write_atomically(file) as unfinished:
        unfinished.write_text(json.dumps(content, indent=1))
