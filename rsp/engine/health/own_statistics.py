"""Find out whether a batch's keys share their normalization with its queries."""

from typing import Any

import torch
from mmengine.dist import get_world_size
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from rsp.engine.health.measures import queue_of
from rsp.engine.health.weights import teacher_of
from rsp.models.modules.sync_batch_norm import CPUSyncBatchNorm


class OwnStatistics:
    """Compare what the teacher encodes with the views of this process.

    Of several processes, keys should be normalized by the statistics of other images
    than the queries' (MoCo, https://arxiv.org/abs/1911.05722, Sec. 3.3), or by those of
    all processes. One process has no others, and without a queue all negatives share
    the statistics.

    Args:
        model: A method, without a wrapper.

    Attributes:
        found: ``own_statistics``, 1 if the teacher was given a view of this process as
            it is, 0 if not; nothing where it does not matter.
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        self.found: dict[str, Tensor] = {}
        self._views: list[Tensor] = []
        self._handles: list[Any] = []

    def __enter__(self) -> 'OwnStatistics':
        teacher = teacher_of(self.model)
        if get_world_size() == 1 or queue_of(self.model) is None or teacher is None:
            return self
        if not _normalizes_alone(teacher):
            return self
        first = next(m for m in teacher.modules() if isinstance(m, nn.Conv2d))
        self._handles = [
            self.model.data_preprocessor.register_forward_hook(self._prepared),
            first.register_forward_pre_hook(self._encoded),
        ]
        return self

    def __exit__(self, *exception: Any) -> None:
        for handle in self._handles:
            handle.remove()
        self._views = []

    def _prepared(self, module: nn.Module, inputs: tuple, output: Any) -> None:
        views = output['inputs']
        views = views.get('remote', []) if isinstance(views, dict) else views
        self._views = [v for v in views if isinstance(v, Tensor) and v.ndim == 4]

    def _encoded(self, module: nn.Module, inputs: tuple) -> None:
        (given,) = inputs
        same = [
            (given == view).all() for view in self._views if view.shape == given.shape
        ]
        if same:
            self.found['own_statistics'] = torch.stack(same).any().float()


def _normalizes_alone(model: nn.Module) -> bool:
    """Return whether batch norm sees the images of one process only."""
    norms = [m for m in model.modules() if isinstance(m, _BatchNorm)]
    together = nn.SyncBatchNorm, CPUSyncBatchNorm
    return any(not isinstance(m, together) and m.training for m in norms)
