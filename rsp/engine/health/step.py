"""Listen to a step as a whole, and give its numbers."""

from contextlib import ExitStack
from typing import Any

import torch
from mmengine.model import BaseAveragedModel
from mmengine.runner import Runner
from torch import Tensor

from rsp.engine.auto_scale_lr import batch_size_of
from rsp.engine.health.images import IMAGES, measure_batch
from rsp.engine.health.measures import measure_features, queue_of
from rsp.engine.health.own_statistics import OwnStatistics
from rsp.engine.health.taps import Taps
from rsp.engine.health.weights import (
    Weights,
    fingerprint,
    teacher_of,
    teacher_pairs,
)
from rsp.engine.hooks.teacher import TeacherHook

# Iterations whose mean a logged number is.
WINDOW = 50


class Step:
    """Measure one step of a training, of many.

    Args:
        runner: The run.
        model: Its method, without a wrapper.
    """

    def __init__(self, runner: Runner, model: Any) -> None:
        self.runner, self.model = runner, model
        wrapper: Any = runner.optim_wrapper
        parts = getattr(wrapper, 'optim_wrappers', {'': wrapper}).values()
        self.optimizers = [part.optimizer for part in parts]
        self._open = ExitStack()
        self._student = [p for p in model.backbone.parameters() if p.ndim > 1]
        self._teacher = [teacher for _, teacher in teacher_pairs(model)]
        self._start = self._fingerprints()
        self._first = runner.iter

    def __enter__(self) -> 'Step':
        self.taps = self._open.enter_context(Taps(self.model))
        self.weights = self._open.enter_context(Weights(self.model, self.optimizers))
        self.statistics = self._open.enter_context(OwnStatistics(self.model))
        self._given: Any = None
        handle = self.model.data_preprocessor.register_forward_hook(self._prepared)
        self._open.callback(handle.remove)
        return self

    def __exit__(self, *exception: Any) -> None:
        self._open.close()

    def measure(self, batch: Any) -> dict[str, float]:
        """Return the numbers of the step; waits for the device.

        Args:
            batch: What the loader gave, for preprocessors that are no modules.
        """
        tensors = measure_features(self.taps) | self.weights.found
        tensors |= self._moved() | self.statistics.found
        queue = queue_of(self.model)
        if queue is not None:
            tensors['queue_sum'] = queue.sum()
        if self.taps.mask is not None:
            tensors['masked'] = self.taps.mask.float().mean()
        values = torch.stack([t.detach().double() for t in tensors.values()]).tolist()
        # Views may be made by the preprocessor, on the device.
        given = batch if self._given is None else self._given
        self._given = None
        found = dict(zip(tensors, values, strict=True)) | measure_batch(given)
        return found | self._counted(found) | self._logged()

    def _prepared(self, module: Any, inputs: tuple, output: Any) -> None:
        self._given = output if self._given is None else self._given

    def _fingerprints(self) -> dict[str, Tensor]:
        parts = dict(student=self._student, teacher=self._teacher)
        return {
            name: fingerprint(tensors) for name, tensors in parts.items() if tensors
        }

    def _moved(self) -> dict[str, Tensor]:
        return {
            f'{name}_moved': (now != self._start[name]).any()
            for name, now in self._fingerprints().items()
        }

    def _counted(self, found: dict[str, float]) -> dict[str, float]:
        """Count what was seen in this run: negatives, labels, and the queue's age."""
        more: dict[str, float] = {}
        steps = self.runner.iter + 1 - self._first
        queue = queue_of(self.model)
        keys = sum(map(len, self.taps.queued)) * self.runner.world_size
        if queue is not None and keys:
            more['queue_age'] = queue.shape[1] / keys
        for args in self.taps.compared[:1]:
            if len(args) == 2 and all(getattr(a, 'ndim', 0) == 2 for a in args):
                paired = args[0].shape == args[1].shape
                more['negatives'] = float(args[1].shape[0 if paired else 1])
        if 'labels' in found:
            more['labels_seen'] = found['labels'] * steps
            more['labels_counted'] = found['labels'] * min(steps, WINDOW)
        return more

    def _logged(self) -> dict[str, float]:
        """Return means of what the method has logged lately."""
        hub = self.runner.message_hub
        names = [name for name in hub.log_scalars if name.startswith('train/')]
        return {
            name.removeprefix('train/'): float(hub.get_scalar(name).mean(WINDOW))
            for name in names
            if 'loss' in name or 'top1' in name
        }


def known_facts(runner: Runner, model: Any) -> dict[str, float]:
    """Collect what rules need to know and no step changes."""
    facts: dict[str, float] = {}
    loader = runner.train_dataloader
    facts['images'] = min(IMAGES, batch_size_of(loader))
    facts['processes'] = runner.world_size
    queue = queue_of(model)
    dataset: Any = loader.dataset
    if queue is not None and hasattr(dataset, '__len__'):
        facts['queue'] = queue.shape[1]
        facts['keys_per_epoch'] = scenes_of(dataset) * getattr(
            model, 'keys_per_image', 1
        )
    temperature = getattr(model.head, 'temperature', None)
    if isinstance(temperature, int | float):
        facts['temperature'] = temperature
    classes = getattr(getattr(model, 'sup_head', None), 'num_classes', None)
    if isinstance(classes, int):
        facts['num_classes'] = classes
    facts['teacher_waits'] = _teacher_waits(runner, teacher_of(model))
    return facts


def scenes_of(dataset: Any) -> int:
    """Count the scenes of a data set, of paired ones without the photos."""
    sources = getattr(dataset, 'sources', None)
    if isinstance(sources, dict) and 'remote' in sources:
        return len(sources['remote'])
    return len(dataset)


def _teacher_waits(runner: Runner, teacher: BaseAveragedModel | None) -> bool:
    """Return whether a teacher may rest for long: between milestones, or at the end."""
    hooks = [hook for hook in runner.hooks if isinstance(hook, TeacherHook)]
    momentum = getattr(teacher, 'momentum', 0)
    return any(hook.milestones is not None for hook in hooks) or 0 < momentum < 1e-6
