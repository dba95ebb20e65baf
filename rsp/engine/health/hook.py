"""Measure every few iterations whether a pre-training learns, and raise alarms."""

import json
import math
from collections.abc import Collection
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpretrain.models import BaseSelfSupervisor

from rsp.engine.distributed import unwrap_model
from rsp.engine.health.budget import Budget
from rsp.engine.health.probe import Probe
from rsp.engine.health.rules import Alarm, History, find_alarms
from rsp.engine.health.step import Step, known_facts
from rsp.engine.hooks.accumulation import passes_per_step
from rsp.errors import UserError
from rsp.io.files import write_atomically
from rsp.ops import check
from rsp.registry import HOOKS

# Of the measurements, what is shown; the rest is for the rules.
NAMES = (
    *('rank', 'deviation', 'cosine', 'dead_units'),
    *('projected_rank', 'projected_directions', 'projected_deviation'),
    *('projected_cosine', 'alignment', 'uniformity', 'neighbor_top1', 'knn_top1'),
    *('positive_similarity', 'negative_similarity', 'queue_similarity', 'queue_age'),
    *('teacher_distance', 'gradient_norm', 'backbone_gradient', 'update_ratio'),
    *('view_ratio', 'flat_images', 'equal_views', 'label_spread', 'masked'),
)


@HOOKS.register_module()
class HealthHook(Hook):
    """Tell whether a self-supervised training learns, from what its steps compute.

    Every ``interval`` iterations it listens to one step: rank, spread and dead units of
    the features, alignment, uniformity and similarities of views, whether a view's
    nearest neighbor is of its scene, age of the queue, distance of the teacher,
    gradient and update. The numbers go to every visualization backend under
    ``health/``. Rules judge them; an alarm is one line of cause and remedy, told once,
    and again if it returns. docs/health.md lists numbers and rules.

    Nothing is encoded twice (but for ``probe``), nothing is drawn at random, weights,
    losses and loader stay what they are without it. What a method does not compute is
    left out; a supervised training is not looked at. Of several processes the first one
    looks at its own images.

    Args:
        interval: Iterations between measurements; the first iteration is one, too.
        max_share: Share of the time that measuring may take; where it takes more, it
            is done less often. 1 sets no limit.
        stop_on_alarm: Whether an alarm ends the run.
        ignore: Names of rules that shall be silent; every alarm ends with its name.
        probe: A classification config, as path or dict, whose training and test images
            the backbone is scored on by their nearest neighbors now and then, as
            often as the time allows; see :class:`rsp.engine.health.probe.Probe`.
    """

    # After the losses are logged and the teacher has moved.
    priority = 'LOW'

    def __init__(
        self,
        interval: int = 20,
        max_share: float = 0.01,
        stop_on_alarm: bool = False,
        ignore: Collection[str] = (),
        probe: str | dict[str, Any] | None = None,
    ) -> None:
        check.at_least("'interval' of rsp.HealthHook", interval, 1)
        check.between("'max_share' of rsp.HealthHook", max_share, 0, 1)
        self.interval = interval
        self.max_share = max_share
        self.stop_on_alarm = stop_on_alarm
        self.ignore = set(ignore)
        self.probe_config = probe
        self.active = False
        self.step: Step | None = None

    def before_train(self, runner: Runner) -> None:
        """Look at what does not change, and start the clock."""
        model = unwrap_model(runner.model)
        self.active = isinstance(model, BaseSelfSupervisor) and is_main_process()
        if not self.active:
            return
        self.history = History(facts=known_facts(runner, model))
        self.alarms: list[dict[str, Any]] = []
        self.told: set[str] = set()
        self.budget, self.cost = Budget(self.max_share), 0.0
        self.step = Step(runner, model)
        self.listening: ExitStack | None = None
        self.probe = Probe(self.probe_config, model) if self.probe_config else None
        # Whole steps of the optimizer: only their last pass has a gradient.
        passes = passes_per_step(runner)
        self.every = -(-self.interval // passes) * passes
        self.first = runner.iter + passes

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None
    ) -> None:
        """Begin to listen, if it is time."""
        if not self.active:
            return
        number = runner.iter + 1
        due = number % self.every == 0 and self.budget.allows(self.cost)
        if due or number == self.first:
            assert self.step is not None
            with self.budget.spending():
                self.listening = ExitStack()
                self.listening.enter_context(self.step)

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: dict[str, Any] | None = None,
    ) -> None:
        """Measure, write and judge what was heard.

        Raises:
            UserError: On an alarm, if it shall end the run.
        """
        if not self.active or self.listening is None:
            return
        assert self.step is not None
        spent = self.budget.spent
        with self.budget.spending():
            self.listening.close()
            self.listening = None
            found = self.step.measure(data_batch)
            self.history.add(found)
            found |= self._probe(runner)
            self._write(runner, found)
        if runner.iter + 1 != self.first:
            # The first time takes longer than all others.
            self.cost = self.budget.spent - spent
        self._judge(runner)

    def after_train(self, runner: Runner) -> None:
        """Sum up."""
        if self.active:
            self._sum_up(runner)

    def _probe(self, runner: Runner) -> dict[str, float]:
        if self.probe is None or not self.budget.allows(self.probe.cost):
            return {}
        return dict(knn_top1=self.probe.score())

    def _write(self, runner: Runner, found: dict[str, float]) -> None:
        # JSON knows no NaN; what is logged anyway is left to the logger.
        shown = {
            f'health/{name}': value
            for name, value in found.items()
            if math.isfinite(value) and name in NAMES
        }
        shown['health/share_of_time'] = self.budget.share
        runner.visualizer.add_scalars(shown, step=runner.iter + 1)

    def _judge(self, runner: Runner) -> None:
        alarms = [a for a in find_alarms(self.history) if a.rule not in self.ignore]
        new = [alarm for alarm in alarms if alarm.rule not in self.told]
        self.told = {alarm.rule for alarm in alarms}
        for alarm in new:
            self._tell(runner, alarm)

    def _tell(self, runner: Runner, alarm: Alarm) -> None:
        number = runner.iter + 1
        self.alarms.append(dict(iter=number, **alarm._asdict()))
        text = (
            f'health, iteration {number}: {alarm.text}. If it is meant: --cfg-options '
            f'"default_hooks.health.ignore=[\'{alarm.rule}\']".'
        )
        self._save(runner)
        if self.stop_on_alarm:
            raise UserError(text)
        runner.logger.warning(text)

    def _sum_up(self, runner: Runner) -> None:
        self._save(runner)
        runner.logger.info(
            f'Health: {self.history.count} measurements, {len(self.alarms)} alarms; '
            f'measuring took {self.budget.share:.2%} of the time, '
            f'{self.budget.spent:.1f} s.'
        )

    def _save(self, runner: Runner) -> None:
        summary = dict(
            measurements=self.history.count,
            share_of_time=self.budget.share,
            alarms=self.alarms,
        )
        with write_atomically(Path(runner.work_dir, 'health.json')) as unfinished:
            unfinished.write_text(json.dumps(summary, indent=1))
