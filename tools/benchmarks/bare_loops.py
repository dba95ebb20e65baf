"""Training steps written out in plain PyTorch: what a method costs at the least.

Each takes the batch a method's preprocessor would get and does the arithmetic of one
update: no runner, hooks, logs or wrappers. They share the parts (backbone, projector,
optimiser) with the method, so that a comparison measures everything around them.
"""

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class BareGeRSP:
    """The update of GeRSP.

    Args:
        model: A ready ``rsp.GeRSP``; its parts are copied.
        make_optimizer: Builds the optimiser from parameters.
        memory_format: Layout of the weights.
        dtype: Autocast to it; None computes in float32.
    """

    def __init__(
        self,
        model: nn.Module,
        make_optimizer: Callable,
        memory_format: torch.memory_format,
        dtype: torch.dtype | None,
    ) -> None:
        parts = nn.ModuleDict(
            dict(backbone=model.backbone, neck=model.neck.mlp, fc=model.sup_head.fc)
        )
        self.student = copy.deepcopy(parts).to(memory_format=memory_format)
        self.teacher = copy.deepcopy(self.student).requires_grad_(False)
        del self.teacher['fc']
        self.queue, self.slot = model.queue.feats.clone(), 0
        self.momentum, self.alpha = model.teacher.momentum, model.alpha
        self.temperature = model.head.temperature
        self.mean, self.std = model.data_preprocessor.mean, model.data_preprocessor.std
        self.optimizer = make_optimizer(self.student.parameters())
        self.dtype = dtype

    def normalise(self, images: Tensor) -> Tensor:
        """Device, RGB order, float, published statistics."""
        images = images.to(self.mean.device)[:, [2, 1, 0]]
        return (images.float() - self.mean) / self.std

    def step(self, batch: dict) -> None:
        """One update from a batch of ``rsp.paired_collate``."""
        query_view, key_view = map(self.normalise, batch['remote']['inputs'])
        photos = self.normalise(batch['natural']['inputs'])
        labels = batch['natural']['data_samples'].gt_label.to(self.mean.device)
        device = self.mean.device.type
        with torch.autocast(device, self.dtype, enabled=self.dtype is not None):
            loss = self.loss(query_view, key_view, photos, labels)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()

    def loss(
        self, query_view: Tensor, key_view: Tensor, photos: Tensor, labels: Tensor
    ) -> Tensor:
        """Both losses; teacher and queue move on."""
        feats = self.student['backbone'](torch.cat([query_view, photos]))[-1]
        scene_feats, photo_feats = feats.mean((2, 3)).split(
            [len(query_view), len(photos)]
        )
        queries = F.normalize(self.student['neck'](scene_feats).float(), dim=1)
        with torch.no_grad():
            for name, part in self.teacher.items():
                torch._foreach_lerp_(
                    list(part.parameters()),
                    list(self.student[name].parameters()),
                    self.momentum,
                )
            key_feats = self.teacher['backbone'](key_view)[-1].mean((2, 3))
            keys = F.normalize(self.teacher['neck'](key_feats).float(), dim=1)
        negatives = self.queue.clone()
        logits = torch.cat(
            [(queries * keys).sum(1, keepdim=True), queries @ negatives], dim=1
        )
        first = torch.zeros(len(queries), dtype=torch.long, device=logits.device)
        contrast = F.cross_entropy(logits / self.temperature, first)
        self.push(keys)
        return contrast + self.alpha * F.cross_entropy(
            self.student['fc'](photo_feats), labels
        )

    def push(self, keys: Tensor) -> None:
        """Write one slice; starting over before the end is as much work as wrapping."""
        if self.slot + len(keys) > self.queue.shape[1]:
            self.slot = 0
        self.queue[:, self.slot : self.slot + len(keys)] = keys.T
        self.slot += len(keys)


BARE_LOOPS = dict(GeRSP=BareGeRSP)
