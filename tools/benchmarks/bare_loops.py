"""Write out training steps in plain PyTorch: the least that a method costs.

Each takes the batch a method's preprocessor would get and does the arithmetic of one
update: no runner, hooks, logs or wrappers. They share the parts (backbone, projector,
optimizer) with the method, so that a comparison measures everything around them.
"""

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class BareLoop(ABC):
    """Hold what the updates have in common.

    Args:
        model: The ready method; its parts are copied.
        make_optimizer: Builds the optimizer from parameters.
        memory_format: Layout of the weights.
        dtype: Autocast to it; None computes in float32.
    """

    # Parts that only the student has.
    student_only: tuple[str, ...] = ()

    def __init__(
        self,
        model: nn.Module,
        make_optimizer: Callable,
        memory_format: torch.memory_format,
        dtype: torch.dtype | None,
    ) -> None:
        parts = nn.ModuleDict(self.parts(model))
        self.student = copy.deepcopy(parts).to(memory_format=memory_format)
        self.teacher = copy.deepcopy(self.student).requires_grad_(False)
        for name in self.student_only:
            del self.teacher[name]
        self.mean, self.std = model.data_preprocessor.mean, model.data_preprocessor.std
        self.optimizer = make_optimizer(self.student.parameters())
        self.device, self.dtype = self.mean.device, dtype
        self.preprocessor, self.normalized = model.data_preprocessor, False

    @abstractmethod
    def parts(self, model: nn.Module) -> dict[str, nn.Module]:
        """Return the trained parts by name."""

    def with_views(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Let ``rsp.DeviceViews`` make its views, which are a part of the step."""
        sources = batch if 'inputs' not in batch else dict(all=batch)
        self.normalized = all('frame' in s['data_samples'] for s in sources.values())
        if not self.normalized:
            return batch
        made = self.preprocessor(batch, True)
        if 'inputs' in batch:
            return made
        return {
            name: {field: values[name] for field, values in made.items()}
            for name in batch
        }

    def normalize(self, images: Tensor) -> Tensor:
        """Move to the device; normalize RGB by the published statistics."""
        if self.normalized:
            return images
        images = images.to(self.device)[:, [2, 1, 0]].float()
        return (images - self.mean) / self.std

    def autocast(self) -> torch.autocast:
        """Return the precision of the forward passes."""
        return torch.autocast(self.device.type, self.dtype, self.dtype is not None)

    def update(self, loss: Tensor) -> None:
        """Take one step of the optimizer."""
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()


class BareQueue:
    """Store negatives as columns, the oldest overwritten.

    Args:
        feats: Those to begin with, shape (D, L).
    """

    def __init__(self, feats: Tensor) -> None:
        self.feats, self.slot = feats.clone(), 0

    def push(self, keys: Tensor) -> None:
        """Write one slice; starting over before the end is as much work as wrapping."""
        start = self.slot if self.slot + len(keys) <= self.feats.shape[1] else 0
        self.slot = start + len(keys)
        self.feats[:, start : self.slot] = keys.T


def unit_vectors(parts: nn.ModuleDict, images: Tensor) -> Tensor:
    """Compute those of images."""
    return F.normalize(parts['neck'](parts['backbone'](images))[0].float(), dim=1)


def info_nce(
    queries: Tensor, keys: Tensor, negatives: Tensor, temperature: float
) -> Tensor:
    """Compute the cross-entropy of the own key (N, D) among columns of (D, L)."""
    logits = torch.cat(
        [(queries * keys).sum(1, keepdim=True), queries @ negatives], dim=1
    )
    first = torch.zeros(len(queries), dtype=torch.long, device=logits.device)
    return F.cross_entropy(logits / temperature, first)


class BareGeRSP(BareLoop):
    """Update GeRSP."""

    student_only = ('fc',)

    def __init__(self, model: nn.Module, *settings: Any) -> None:
        super().__init__(model, *settings)
        self.queue = BareQueue(model.queue.feats)
        self.momentum, self.alpha = model.teacher.momentum, model.alpha
        self.temperature = model.head.temperature

    def parts(self, model: nn.Module) -> dict[str, nn.Module]:
        """Return backbone, projector and classifier."""
        return dict(backbone=model.backbone, neck=model.neck.mlp, fc=model.sup_head.fc)

    def step(self, batch: dict) -> None:
        """Update from a batch of ``rsp.paired_collate``."""
        batch = self.with_views(batch)
        query_view, key_view = map(self.normalize, batch['remote']['inputs'])
        photos = self.normalize(batch['natural']['inputs'])
        labels = batch['natural']['data_samples'].gt_label.to(self.device)
        with self.autocast():
            loss = self.loss(query_view, key_view, photos, labels)
        self.update(loss)

    def loss(
        self, query_view: Tensor, key_view: Tensor, photos: Tensor, labels: Tensor
    ) -> Tensor:
        """Compute both losses; teacher and queue move on."""
        feats = self.student['backbone'](torch.cat([query_view, photos]))[-1]
        scene_feats, photo_feats = feats.mean((2, 3)).split(
            [len(query_view), len(photos)]
        )
        queries = F.normalize(self.student['neck'](scene_feats).float(), dim=1)
        with torch.no_grad():
            for name, part in self.teacher.items():
                others = self.student[name].parameters()
                torch._foreach_lerp_([*part.parameters()], [*others], self.momentum)
            key_feats = self.teacher['backbone'](key_view)[-1].mean((2, 3))
            keys = F.normalize(self.teacher['neck'](key_feats).float(), dim=1)
        negatives = self.queue.feats.clone()
        contrast = info_nce(queries, keys, negatives, self.temperature)
        self.queue.push(keys)
        return contrast + self.alpha * F.cross_entropy(
            self.student['fc'](photo_feats), labels
        )


class BareCMID(BareLoop):
    """Update CMID with a queue: two passes of student and of teacher."""

    student_only = ('decoder',)

    def __init__(self, model: nn.Module, *settings: Any) -> None:
        super().__init__(model, *settings)
        self.queue = BareQueue(model.queue.feats)
        self.center = model.local_head.center.clone()
        self.momentum, self.matches = model.teacher.momentum, model.num_matches
        self.temperature = model.head.temperature
        self.sharpness = model.local_head.teacher_temperature

    def parts(self, model: nn.Module) -> dict[str, nn.Module]:
        """Return backbone, both projectors and the decoder."""
        return dict(
            backbone=model.backbone,
            neck=model.neck.mlp,
            local=model.local_neck,
            decoder=model.reconstruction.decoder,
        )

    def step(self, batch: dict) -> None:
        """Update from a batch of ``rsp.stacked_collate``."""
        batch = self.with_views(batch)
        views = [self.normalize(view) for view in batch['inputs']]
        samples = batch['data_samples']
        masks = samples.masks.to(self.device).unbind(1)
        places = samples.positions.to(self.device).flatten(2, 3).unbind(1)
        with self.autocast():
            loss = self.loss(views, masks, places)
        self.update(loss)
        mine = dict(self.student.named_parameters())
        theirs = {n: p for n, p in self.teacher.named_parameters() if 'token' not in n}
        mine = [mine[name] for name in theirs]
        torch._foreach_lerp_([*theirs.values()], mine, self.momentum)

    def loss(self, views: list, masks: tuple, places: tuple) -> Tensor:
        """Compute all four losses, both ways; queue and center move on."""
        pixels, maps = [], []
        for view, mask in zip(views, masks, strict=True):
            edge = view.shape[-1] // mask.shape[-1]
            hidden = mask.repeat_interleave(edge, 1).repeat_interleave(edge, 2)[:, None]
            filled = torch.where(hidden.bool(), view.mean((2, 3), keepdim=True), view)
            pixels.append(hidden.float())
            maps.append(self.student['backbone'](filled, mask)[-1])
        with torch.no_grad():
            targets = [self.teacher['backbone'](view)[-1] for view in views]
        negatives = self.queue.feats.clone()
        loss = 0.0
        for a, b in ((0, 1), (1, 0)):
            loss = loss + self.reconstruct(maps[a], views[a], pixels[a])
            loss = loss + self.contrast(maps[a], targets[b], negatives)
            loss = loss + self.distill(maps[a], targets[b], places[a], places[b])
        return loss / 2

    def reconstruct(self, feats: Tensor, view: Tensor, hidden: Tensor) -> Tensor:
        """Compute focal L1 of masked pixels and focal distance of the mean spectrum."""
        pred = self.student['decoder'](feats).float()
        size = (pred - view).abs()
        spatial = (size * (0.1 * size).tanh() * hidden).sum() / hidden.sum() / 3
        seen = 0.001 * pred + 0.999 * (0.5 * pred.detach() + 0.5 * view)
        error = (torch.where(hidden.bool(), pred, seen) - view).mean(0)
        power = torch.fft.fft2(error, norm='ortho').abs().square()
        weight = power.detach().sqrt().log1p()
        return spatial + (weight / weight.max() * power).mean()

    def contrast(self, feats: Tensor, target: Tensor, negatives: Tensor) -> Tensor:
        """Compute InfoNCE against a snapshot of the queue."""
        queries = F.normalize(self.student['neck'](feats.mean((2, 3))).float(), dim=1)
        with torch.no_grad():
            keys = self.teacher['neck'](target.mean((2, 3))).float()
            keys = F.normalize(keys, dim=1)
        self.queue.push(keys)
        return info_nce(queries, keys, negatives, self.temperature)

    def distill(
        self, feats: Tensor, target: Tensor, here: Tensor, there: Tensor
    ) -> Tensor:
        """Compute the cross-entropy with the teacher at the nearest patches."""
        squares = (here[:, :, None] - there[:, None]).square().sum(-1)
        nearest, partner = squares.min(dim=2)
        kept = nearest.topk(self.matches, largest=False).indices
        rows = torch.arange(len(here), device=here.device)[:, None]
        mine = feats.flatten(2).transpose(1, 2)[rows, kept].flatten(0, 1)
        theirs = target.flatten(2).transpose(1, 2)[rows, partner.gather(1, kept)]
        logits = self.student['local'](mine)
        with torch.no_grad():
            teacher_logits = self.teacher['local'](theirs.flatten(0, 1))
            p_teacher = ((teacher_logits - self.center) / self.sharpness).softmax(1)
            self.center.lerp_(teacher_logits.mean(0, keepdim=True), 0.1)
        return F.cross_entropy(logits / 0.1, p_teacher)


class BareGeoKR(BareLoop):
    """Update GeoKR between two milestones of the teacher, which then rests."""

    def parts(self, model: nn.Module) -> dict[str, nn.Module]:
        """Return backbone and classifier."""
        return dict(backbone=model.backbone, classifier=model.classifier.mlp)

    def step(self, batch: dict) -> None:
        """Update from a batch of ``rsp.stacked_collate``."""
        batch = self.with_views(batch)
        images = self.normalize(batch['inputs'])
        shares = batch['data_samples'].gt_score.to(self.device)
        with self.autocast():
            logits = self.classify(self.student, images)
            with torch.no_grad():
                targets = self.classify(self.teacher, images)
        log_targets = targets.float().log_softmax(1)
        logits = logits.float()
        loss = -(shares * logits.log_softmax(1)).mean()
        loss = loss - (logits.softmax(1) * log_targets).mean()
        self.update(loss)

    @staticmethod
    def classify(parts: nn.ModuleDict, images: Tensor) -> Tensor:
        """Compute class logits of pooled features."""
        return parts['classifier'](parts['backbone'](images)[-1].mean((2, 3)))


class BareMoCo(BareLoop):
    """Update MoCo, v1 or v2: the teacher has the statistics of the student."""

    def __init__(self, model: nn.Module, *settings: Any) -> None:
        super().__init__(model, *settings)
        self.queue, self.momentum = BareQueue(model.queue), model.encoder_k.momentum
        self.temperature = model.head.temperature

    def parts(self, model: nn.Module) -> dict[str, nn.Module]:
        """Return backbone and projector."""
        return dict(backbone=model.backbone, neck=model.neck)

    def step(self, batch: dict) -> None:
        """Update from a batch of ``default_collate``."""
        batch = self.with_views(batch)
        with self.autocast():
            loss = self.loss(*map(self.normalize, batch['inputs']))
        self.update(loss)

    def loss(self, query_view: Tensor, key_view: Tensor) -> Tensor:
        """Compute InfoNCE; teacher and queue move on."""
        queries = unit_vectors(self.student, query_view)
        with torch.no_grad():
            own, other = self.teacher, self.student
            torch._foreach_lerp_(
                [*own.parameters()], [*other.parameters()], self.momentum
            )
            torch._foreach_copy_([*own.buffers()], [*other.buffers()])
            keys = unit_vectors(own, key_view)
        negatives = self.queue.feats.clone()
        self.queue.push(keys)
        return info_nce(queries, keys, negatives, self.temperature)


BARE_LOOPS = dict(GeRSP=BareGeRSP, CMID=BareCMID, GeoKR=BareGeoKR, MoCo=BareMoCo)
