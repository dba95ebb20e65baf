"""Save checkpoints so that a kill, a full disk or NaN costs no earlier one."""

import inspect
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

from mmengine.dist import barrier, is_main_process
from mmengine.hooks import CheckpointHook as MMCheckpointHook
from mmengine.runner import Runner

from rsp.checkpoints import saving
from rsp.compat import patch_checkpoint_saver
from rsp.engine.hooks.non_finite import skipped_last_step
from rsp.engine.wrong_config.arguments import did_you_mean
from rsp.errors import UserError
from rsp.registry import HOOKS

# Kept in the message hub, and so in every checkpoint: a file that `save_now` wrote.
UNPLANNED = 'unplanned_ckpt'


@HOOKS.register_module()
class CheckpointHook(MMCheckpointHook):
    """Save as mmengine's hook does, by its options, in an order that loses nothing.

    mmengine removes the outdated file first and writes the new one in place. Here a
    file is written beside its place and renamed when it is whole, then
    ``last_checkpoint`` names it, then outdated ones are removed, a former best one
    included. So the disk needs room for one file more than ``max_keep_ckpts``. What a
    killed run left unfinished is removed at the start. A model with NaN or infinity in
    it is not saved: it ends the run (`rsp.checkpoints.saving`). Nothing is removed
    while `NonFiniteHook` skips steps.

    Args:
        *args: As for mmengine's ``CheckpointHook``.
        in_background: Write in a thread, from a copy that is made at once. For a
            ResNet-50 with its teacher, queue and momenta (316 MB), a run waits 0.2 s
            in place of 1.7 s, on two CPU cores and a local disk; the copy takes as much
            memory as the file. Off by default: once an epoch this is little, and
            loaders should not start processes while a thread works.
        **kwargs: As for mmengine's ``CheckpointHook``.
    """

    def __init__(self, *args: Any, in_background: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # mmengine's hook hands the rest on, at the first checkpoint.
        for key in (
            self.args.keys() - inspect.signature(Runner.save_checkpoint).parameters
        ):
            raise TypeError(f"__init__() got an unexpected keyword argument '{key}'")
        self.background = saving.Background() if in_background else None

    def before_train(self, runner: Runner) -> None:
        """Find the folder and tidy it."""
        super().before_train(runner)
        if self.save_best is not None:
            self._look_for_best_here()
        # Runners of other projects write by mmengine's own function.
        patch_checkpoint_saver(saving.write)
        self.file_backend: Any = _RemovingLater(self.file_backend)
        self.outdated: list[str] = []
        if is_main_process():
            work_dir = Path(runner.work_dir)
            for folder in (self.out_dir, work_dir, work_dir / 'non_finite'):
                saving.remove_unfinished(folder)

    def save_now(self, runner: Runner, done: int) -> str:
        """Save between two steps of an epoch, e.g. before the machine is taken away.

        The file is ``iter_<done>.pth`` and what ``--resume`` finds first; the next
        checkpoint that is saved as planned replaces it.

        Args:
            runner: The run; every process calls this.
            done: Number of iterations trained, which is ``runner.iter + 1`` in
                ``after_train_iter``.

        Returns:
            Path of the file, which is whole and on the disk.
        """
        meta = dict(epoch=runner.epoch, iter=done)
        name = f'iter_{done}.pth'
        if self.filename_tmpl.format(done) == name:
            self._save_checkpoint_with_step(runner, done, meta)
        else:
            outdated = self._forget_unplanned(runner)
            path = self.file_backend.join_path(self.out_dir, name)
            runner.message_hub.update_info(UNPLANNED, path)
            self._save_as(runner, name, meta, outdated)
        self._join()
        barrier()
        return str(self.last_ckpt)

    def _save_checkpoint_with_step(
        self, runner: Runner, step: int, meta: dict[str, Any]
    ) -> None:
        """Save a planned checkpoint, then remove those that it replaces."""
        outdated = self._forget_unplanned(runner)
        # The best one's new score is saved by the same step once more.
        if self.max_keep_ckpts > 0 and step not in list(self.keep_ckpt_ids)[-1:]:
            if len(self.keep_ckpt_ids) == self.max_keep_ckpts:
                oldest = self.filename_tmpl.format(self.keep_ckpt_ids.popleft())
                outdated.append(self.file_backend.join_path(self.out_dir, oldest))
            self.keep_ckpt_ids.append(step)
            kept = list(self.keep_ckpt_ids)
            runner.message_hub.update_info('keep_ckpt_ids', kept)
        self._save_as(runner, self.filename_tmpl.format(step), meta, outdated)

    def _save_best_checkpoint(self, runner: Runner, metrics: dict[str, Any]) -> None:
        """Save the best one, then remove the former one, which mmengine does first."""
        wanted = self.key_indicators if self.save_best else ()
        unknown = {*wanted} - {*metrics, 'auto'}
        if metrics and unknown:
            raise UserError(
                f'default_hooks.checkpoint.save_best: the validation has no '
                f"'{min(unknown)}'{did_you_mean(min(unknown), metrics)}"
            )
        self._join()
        with self.file_backend.removing_later() as outdated, self._writing():
            super()._save_best_checkpoint(runner, metrics)
        best = getattr(self, 'best_ckpt_path_dict', {}).values()
        keep = [getattr(self, 'best_ckpt_path', None), *best]
        self._afterwards(partial(self._remove, outdated, keep))

    def _save_as(
        self, runner: Runner, name: str, meta: dict[str, Any], outdated: list[str]
    ) -> None:
        self.last_ckpt = self.file_backend.join_path(self.out_dir, name)
        runner.message_hub.update_info('last_ckpt', self.last_ckpt)
        self._join()
        with self._writing():
            runner.save_checkpoint(
                self.out_dir,
                name,
                self.file_client_args,
                save_optimizer=self.save_optimizer,
                save_param_scheduler=self.save_param_scheduler,
                meta=meta,
                by_epoch=self.by_epoch,
                backend_args=self.backend_args,
                **self.args,
            )
        if is_main_process():
            note = partial(saving.write_note, runner.work_dir, self.last_ckpt)
            self._afterwards(note)
            self.outdated += outdated
            # While steps go wrong, older weights may be better.
            if not skipped_last_step(runner):
                outdated, self.outdated = self.outdated, []
                self._afterwards(partial(self._remove, outdated, [self.last_ckpt]))

    def after_train(self, runner: Runner) -> None:
        """Wait for the last file; publish it where asked."""
        self._join()
        super().after_train(runner)

    def after_failure(self, runner: Runner) -> None:
        """Wait for the last file."""
        self._join()

    def _writing(self) -> AbstractContextManager[None]:
        background = self.background
        return saving.later(background.submit) if background else nullcontext()

    def _afterwards(self, job: Callable[[], None]) -> None:
        if self.background:
            self.background.submit(job)
        else:
            job()

    def _join(self) -> None:
        if self.background:
            self.background.join()

    def _look_for_best_here(self) -> None:
        """Forget a best file elsewhere, which belongs to another run.

        A resumed run knows the path of its checkpoint's; the folder may have been moved
        since, or copied, or the checkpoint may be of another folder.
        """
        if hasattr(self, 'best_ckpt_path_dict'):
            for key, path in self.best_ckpt_path_dict.items():
                self.best_ckpt_path_dict[key] = self._find_here(path)
        else:
            path = vars(self)['best_ckpt_path']
            self.best_ckpt_path = self._find_here(path)

    def _find_here(self, path: str | None) -> str | None:
        if path is None:
            return None
        here = str(self.file_backend.join_path(self.out_dir, Path(path).name))
        return here if self.file_backend.exists(here) else None

    def _forget_unplanned(self, runner: Runner) -> list[str]:
        path = runner.message_hub.runtime_info.get(UNPLANNED)
        if path is None:
            return []
        runner.message_hub.pop_info(UNPLANNED)
        # The folder may have been moved since.
        return [self.file_backend.join_path(self.out_dir, Path(path).name)]

    def _remove(self, paths: Iterable[str], keep: list[str | None]) -> None:
        for path in paths:
            if path in keep:
                continue
            if self.file_backend.isfile(path):
                self.file_backend.remove(path)
            elif self.file_backend.isdir(path):  # of DeepSpeed
                self.file_backend.rmtree(path)


class _RemovingLater:
    """Stand for a file backend whose removals can wait until a new file is whole."""

    def __init__(self, backend: Any) -> None:
        self._backend = backend
        self._waiting: list[str] | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)

    @contextmanager
    def removing_later(self) -> Iterator[list[str]]:
        """Collect the paths to remove in a list while the block runs."""
        self._waiting = []
        try:
            yield self._waiting
        finally:
            self._waiting = None

    def remove(self, path: str) -> None:
        """Remove a file, now or later."""
        if self._waiting is None:
            self._backend.remove(path)
        else:
            self._waiting.append(path)

    def rmtree(self, path: str) -> None:
        """Remove a folder, now or later."""
        if self._waiting is None:
            self._backend.rmtree(path)
        else:
            self._waiting.append(path)
