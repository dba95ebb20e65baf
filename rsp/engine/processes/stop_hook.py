"""End a training at the border of a step, with a checkpoint."""

from pathlib import Path
from typing import Any

from mmengine.dist import barrier, is_main_process
from mmengine.hooks import CheckpointHook, EMAHook, Hook
from mmengine.runner import EpochBasedTrainLoop, Runner

from rsp.engine.distributed import leave_process_group
from rsp.engine.processes.agreement import Agreement
from rsp.engine.processes.stopping import (
    EXIT_SAVED,
    Stopped,
    StopRequest,
    current_request,
)
from rsp.registry import HOOKS


@HOOKS.register_module()
class StopHook(Hook):
    """Save and leave once a signal asked for it.

    The command line adds it to every training. All processes stop after the same
    update of the weights: the one after that in which the first of them heard of the
    signal (`Agreement`). At the end of an epoch they stop behind the hooks of that end,
    and during a validation at once, since it changes no weight; a resumed run does not
    repeat it. The process that was told does not ask the others then: the launcher
    tells them, or their next collective fails, and each can leave by itself.
    """

    # Behind the hooks that change or save what is trained.
    priority = 'LOWEST'

    def __init__(self) -> None:
        self._agreement = Agreement()
        self._stopping = False

    @property
    def _request(self) -> StopRequest:
        # Without handlers nothing is ever asked for.
        return current_request() or StopRequest()

    def before_train(self, runner: Runner) -> None:
        """From here on there is something to save."""
        self._request.phase = 'training'

    def after_train_iter(
        self, runner: Runner, batch_idx: int, *_: Any, **__: Any
    ) -> None:
        """Stop behind an update of the weights."""
        wrapper = runner.optim_wrapper
        accumulated = getattr(wrapper, '_accumulative_counts', 1)
        if getattr(wrapper, '_inner_count', 0) % accumulated:
            return
        self._stopping |= self._agreement.ask(self._request.number is not None)
        loop = runner.train_loop
        by_epoch = isinstance(loop, EpochBasedTrainLoop)
        if self._stopping and not (by_epoch and batch_idx + 1 == len(loop.dataloader)):
            self._leave(runner, runner.epoch, runner.iter + 1, inside=True)

    def after_train_epoch(self, runner: Runner) -> None:
        """Stop between two epochs."""
        if self._stopping and isinstance(runner.train_loop, EpochBasedTrainLoop):
            self._leave(runner, runner.epoch + 1, runner.iter)

    def before_val(self, runner: Runner) -> None:
        """Let a signal cut the validation off."""
        request = self._request
        request.phase = 'validating'
        if request.number is not None:
            raise Stopped(request.exit_unsaved)

    def after_val(self, runner: Runner) -> None:
        """Go on with training, once all processes do."""
        # From here on a signal waits for the next step, which one that has left within
        # the validation would never begin.
        self._request.phase = 'validated'
        barrier()
        self._request.phase = 'training'

    def after_train(self, runner: Runner) -> None:
        """Let a finished run end."""
        self._request.phase = 'leaving'

    def save_after_validation(self, runner: Runner, error: BaseException) -> None:
        """Save what a validation was of, if a signal cut it off.

        Args:
            runner: The run.
            error: That ended it: of the signal, or of a collective whose other
                processes have left because of one.

        Raises:
            Stopped: With the status of a saved run, if it did.
        """
        request = self._request
        if request.phase not in ('validating', 'validated'):
            return
        request.phase = 'validated'  # a signal that comes now cuts nothing off
        if not request.explains(error):
            return
        for hook in runner.hooks:
            if isinstance(hook, EMAHook):
                hook.after_val_epoch(runner)  # takes the averaged weights out again
        # The others may have left already: nothing here waits for them, and what is
        # needed of them was gathered before the validation.
        self._leave(runner, runner.epoch, runner.iter, together=False)

    def _leave(
        self,
        runner: Runner,
        epoch: int,
        done: int,
        inside: bool = False,
        together: bool = True,
    ) -> None:
        """Save the state after so many epochs and iterations, and leave.

        Raises:
            Stopped: Always.
        """
        request = self._request
        came = request.name if request.number else 'a signal to another process'
        hook = next((h for h in runner.hooks if isinstance(h, CheckpointHook)), None)
        if hook is None:
            runner.logger.warning(
                f'Stopped by {came} after iteration {done} and not saved: the config '
                'has no default_hooks.checkpoint.'
            )
            raise Stopped(request.exit_unsaved if request.number else 128 + 15)
        request.phase = 'saving'
        if not is_saved(hook, epoch, done, inside):
            save(hook, runner, epoch, done, inside)
        if together:
            barrier()
        runner.logger.info(
            f'Stopped by {came} after iteration {done}, saved as {hook.last_ckpt}: go '
            f'on with --resume. Exit code {EXIT_SAVED}.'
        )
        runner.visualizer.close()
        if together:
            leave_process_group()
        request.phase = 'leaving'
        raise Stopped(EXIT_SAVED)


def is_saved(hook: CheckpointHook, epoch: int, done: int, inside: bool) -> bool:
    """Tell whether the planned checkpoint of this state was saved just now.

    The arguments are those of `save`; the answer is the same on all processes.
    """
    if (inside and hook.by_epoch) or hook.last_ckpt is None:
        return False
    name = hook.filename_tmpl.format(epoch if hook.by_epoch else done)
    return Path(hook.last_ckpt).name == name


def save(
    hook: CheckpointHook, runner: Runner, epoch: int, done: int, inside: bool
) -> None:
    """Save a checkpoint that was not planned.

    Args:
        hook: The hook of the planned ones.
        runner: The run.
        epoch: Whole epochs trained.
        done: Iterations trained.
        inside: Whether an epoch has begun and not ended.
    """
    meta = dict(epoch=epoch, iter=done)
    if not inside:
        step = epoch if hook.by_epoch else done
        hook._save_checkpoint_with_step(runner, step, meta=meta)
    elif hasattr(hook, 'save_now'):
        hook.save_now(runner, done)
    else:
        name = f'iter_{done}.pth'
        hook.last_ckpt = hook.file_backend.join_path(hook.out_dir, name)
        runner.save_checkpoint(
            hook.out_dir,
            name,
            meta=meta,
            by_epoch=False,
            backend_args=hook.backend_args,
        )
        if is_main_process():
            Path(runner.work_dir, 'last_checkpoint').write_text(hook.last_ckpt)
