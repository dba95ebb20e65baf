"""Train for a while and note what everything costs."""

import time
from collections.abc import Iterator
from typing import Any

import torch
from mmengine.hooks import CheckpointHook, Hook
from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop, Runner

from rsp.engine.logs.report_hook import ReportHook
from rsp.engine.pilot.bill import split_steps
from rsp.engine.pilot.measuring import resources
from rsp.engine.pilot.measuring.epoch_end import (
    EndableBatches,
    make_endable,
    prefetched,
)
from rsp.engine.pilot.measuring.occasions import (
    rare_hooks,
    schedule_of,
    time_checkpoint,
)
from rsp.engine.pilot.measuring.stopwatch import WAIT, Stopwatch, instrument
from rsp.engine.pilot.measuring.validation import measure_validation
from rsp.errors import UserError
from rsp.registry import HOOKS

# Shares of the time of a measurement. With a device that computes on its own time, the
# last third of the steps is split into parts, and not counted for their sum.
WARMUP, LONGEST_WARMUP, EPOCH_END, SPLIT = 0.1, 0.4, 0.6, 0.7
VALIDATION = 0.3


@HOOKS.register_module()
class PilotHook(Hook):
    """Train the first steps of a run in place of the whole, and measure them.

    Loop, loader, model, optimizer and hooks are the run's. Checkpoints are not saved
    when they are due; one is, to be timed. The result is in ``measured``.

    Args:
        seconds: Time for steps and validation, behind the start.
        started: `time.time` at which the process was started.
        whole: Whether to measure validation and checkpoint, too.
    """

    priority = 'LOWEST'

    def __init__(self, seconds: float, started: float, whole: bool = True) -> None:
        self.seconds, self.started, self.whole = seconds, started, whole
        self.measured: dict[str, Any] = {}
        self.ends: list[float] = []
        self.epoch_starts: list[int] = []
        self.last: dict[str, Any] = {}
        self.memory_of_workers = 0
        self.looked = 0.0

    def before_run(self, runner: Runner) -> None:
        """Stand in for the training loop, once everything is built."""
        loop = runner.train_loop
        if not isinstance(loop, EpochBasedTrainLoop | IterBasedTrainLoop):
            raise UserError(
                'the pilot expects a training by epochs or by iterations, got '
                f'train_cfg.type={type(loop).__name__!r}; time a short run of it.'
            )
        self.by_epoch = isinstance(loop, EpochBasedTrainLoop)
        loop.run = lambda: self.run(runner)

    def run(self, runner: Runner) -> Any:
        """Measure in place of ``loop.run``."""
        self.watch = Stopwatch()
        instrument(runner, self.watch)
        batches = make_endable(runner.train_dataloader) if self.by_epoch else None
        hold_back_checkpoints(runner)
        runner.call_hook('before_train')
        self.measured = dict(
            schedule=vars(schedule_of(runner)),
            start=dict(wall=time.time() - self.started, cpu=resources.cpu_seconds()),
        )
        has_validation = self.whole and runner.val_loop is not None
        share = 1 - VALIDATION if has_validation else 1
        self.measured |= self._train(runner, batches, self.seconds * share)
        if has_validation:
            seconds = self.seconds * VALIDATION
            self.measured['validation'] = measure_validation(runner, seconds)
        if self.whole:
            self.measured['checkpoint'] = time_checkpoint(runner)
        runner.call_hook('after_train')
        self.measured |= dict(memory=self._memory(), finished=time.time())
        return runner.model

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: dict[str, Any] | None = None,
    ) -> None:
        """Keep what other hooks are called with, and look at the workers' memory."""
        self.last = dict(batch_idx=batch_idx, data_batch=data_batch, outputs=outputs)
        if time.perf_counter() - self.looked > self.seconds / 6:
            own = resources.memory_of_workers()
            self.memory_of_workers = max(self.memory_of_workers, own)
            self.looked = time.perf_counter()

    def _train(
        self, runner: Runner, batches: EndableBatches | None, seconds: float
    ) -> dict[str, Any]:
        loader, on_gpu = runner.train_dataloader, torch.cuda.is_available()
        ahead, warmup, split, parts = max(3, prefetched(loader)), 0, None, None
        # What compiles or searches for algorithms does so in more than one step.
        first = 3 if on_gpu or runner.cfg.get('compile_backbone') else 1
        late = 0.0
        cpu_begin = resources.cpu_seconds()
        begin = time.perf_counter()
        # Waiting for the last step of the device, as steps that log do.
        wait = torch.cuda.synchronize if on_gpu else lambda: None
        for done in self._steps(runner):
            passed = time.perf_counter() - begin - late
            enough = done >= ahead and passed > seconds * WARMUP
            too_long = done >= first and passed > seconds * LONGEST_WARMUP
            if not warmup and (enough or too_long):
                wait()
                # The steady state gets its time however long it took to begin.
                late = max(passed - seconds * LONGEST_WARMUP, 0)
                passed -= late
                warmup, begin_steady = done, resources.cpu_seconds()
                self.ends[-1] = time.perf_counter()
                self.watch.restart()
            if batches and not self.epoch_starts and passed > seconds * EPOCH_END:
                batches.ended = True
            if on_gpu and warmup and split is None and passed > seconds * SPLIT:
                wait()
                split, parts = done, self.watch.read()
                self.ends[-1] = time.perf_counter()
                self.watch.synchronize = torch.cuda.synchronize
                self.watch.restart()
            if passed > seconds and done > (split or warmup) > 0:
                break
        wait()
        alone, self.watch.synchronize = self.watch.read(), lambda: None
        if split is None:
            self.ends[-1] = time.perf_counter()
        if not warmup:  # the whole schedule is shorter: its first step warms up
            warmup, begin_steady = min(1, len(self.ends) - 1), cpu_begin
        cpu = (resources.cpu_seconds() - begin_steady) / (len(self.ends) - warmup)
        durations = [
            b - a for a, b in zip([begin, *self.ends], self.ends, strict=False)
        ]
        steps = split_steps(
            durations[:split],
            warmup,
            [start for start in self.epoch_starts if start < (split or len(durations))],
            max(1, prefetched(loader)),
        )
        return dict(
            steps=vars(steps) | dict(warmup=warmup),
            cpu=dict(step=cpu, begin=begin_steady - cpu_begin - cpu * warmup),
            parts=shares(parts or alone, alone),
            rare=rare_hooks(runner, steps.count, self.last),
        )

    def _steps(self, runner: Runner) -> Iterator[int]:
        """Train as the loop does; yield the number of iterations done after each."""
        loop: Any = runner.train_loop
        runner.call_hook('before_train_epoch')
        stream = iter(()) if self.by_epoch else _endless(loop)
        while loop.iter < loop.max_iters:
            if self.by_epoch:
                stream = _epoch(loop)
            runner.model.train()
            place = 0
            while loop.iter < loop.max_iters:
                with self.watch.timing(WAIT):
                    batch = next(stream, None)
                if batch is None:
                    break
                loop.run_iter(*([place, batch] if self.by_epoch else [batch]))
                place += 1
                self.ends.append(time.perf_counter())
                yield len(self.ends)
            if self.by_epoch and loop.iter < loop.max_iters:
                runner.call_hook('after_train_epoch')
                loop._epoch += 1
                runner.call_hook('before_train_epoch')
                self.epoch_starts.append(len(self.ends))

    def _memory(self) -> dict[str, int]:
        memory = dict(host=resources.peak_memory() + self.memory_of_workers)
        if torch.cuda.is_available():
            memory |= dict(
                gpu=torch.cuda.max_memory_reserved(),
                gpu_tensors=torch.cuda.max_memory_allocated(),
            )
        return memory


def _epoch(loop: Any) -> Iterator[Any]:
    # mmengine's loops have no `batches`; those of the runner of this project do.
    return loop.batches() if hasattr(loop, 'batches') else iter(loop.dataloader)


def _endless(loop: Any) -> Iterator[Any]:
    return loop._endless() if hasattr(loop, '_endless') else loop.dataloader_iterator


def hold_back_checkpoints(runner: Runner) -> None:
    """Let checkpoint hooks save nothing by themselves, and nobody report."""
    runner._hooks = [h for h in runner.hooks if not isinstance(h, ReportHook)]
    for hook in runner.hooks:
        if isinstance(hook, CheckpointHook):
            hook._save_checkpoint = lambda *_: None
            hook._save_best_checkpoint = lambda *_: None


def shares(waiting: dict[str, float], alone: dict[str, float]) -> dict[str, float]:
    """Return how an iteration divides into parts; they sum to 1.

    Args:
        waiting: Seconds of the parts while nothing waits for the device but what does
            so anyway; of these, the wait for data and the sum are right.
        alone: Seconds of the parts, each with what the device computes for it.
    """
    total = sum(waiting.values())
    rest = sum(alone.values()) - alone[WAIT]
    scale = (total - waiting[WAIT]) / rest if rest else 0.0
    return {
        part: (waiting[part] if part == WAIT else seconds * scale) / total
        for part, seconds in alone.items()
    }
