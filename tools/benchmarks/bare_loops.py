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


class BareCMID:
    """The update of CMID with a queue: two passes of student and of teacher.

    Args:
        model: A ready ``rsp.CMID``; its parts are copied.
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
            dict(
                backbone=model.backbone,
                neck=model.neck.mlp,
                local=model.local_neck,
                decoder=model.reconstruction.decoder,
            )
        )
        self.student = copy.deepcopy(parts).to(memory_format=memory_format)
        self.teacher = copy.deepcopy(self.student).requires_grad_(False)
        del self.teacher['decoder']
        self.queue, self.slot = model.queue.feats.clone(), 0
        self.centre = model.local_head.centre.clone()
        self.momentum, self.matches = model.teacher.momentum, model.num_matches
        self.temperature = model.head.temperature
        self.sharpness = model.local_head.teacher_temperature
        self.mean, self.std = model.data_preprocessor.mean, model.data_preprocessor.std
        self.optimizer = make_optimizer(self.student.parameters())
        self.dtype = dtype

    def step(self, batch: dict) -> None:
        """One update from a batch of ``rsp.stacked_collate``."""
        device = self.mean.device
        views = [
            (view.to(device)[:, [2, 1, 0]].float() - self.mean) / self.std
            for view in batch['inputs']
        ]
        samples = batch['data_samples']
        masks = samples.masks.to(device).unbind(1)
        places = samples.positions.to(device).flatten(2, 3).unbind(1)
        with torch.autocast(device.type, self.dtype, enabled=self.dtype is not None):
            loss = self.loss(views, masks, places)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        mine = dict(self.student.named_parameters())
        theirs = {n: p for n, p in self.teacher.named_parameters() if 'token' not in n}
        torch._foreach_lerp_(
            [*theirs.values()], [mine[name] for name in theirs], self.momentum
        )

    def loss(self, views: list, masks: tuple, places: tuple) -> Tensor:
        """All four losses, both ways; queue and centre move on."""
        pixels, maps = [], []
        for view, mask in zip(views, masks, strict=True):
            edge = view.shape[-1] // mask.shape[-1]
            hidden = mask.repeat_interleave(edge, 1).repeat_interleave(edge, 2)[:, None]
            filled = torch.where(hidden.bool(), view.mean((2, 3), keepdim=True), view)
            pixels.append(hidden.float())
            maps.append(self.student['backbone'](filled, mask)[-1])
        with torch.no_grad():
            goals = [self.teacher['backbone'](view)[-1] for view in views]
        negatives = self.queue.clone()
        return sum(
            self.reconstruct(maps[a], views[a], pixels[a])
            + self.contrast(maps[a], goals[b], negatives)
            + self.distil(maps[a], goals[b], places[a], places[b])
            for a, b in ((0, 1), (1, 0))
        ).div(2)

    def reconstruct(self, feats: Tensor, view: Tensor, hidden: Tensor) -> Tensor:
        """Focal L1 of hidden pixels and focal distance of the mean spectrum."""
        pred = self.student['decoder'](feats).float()
        size = (pred - view).abs()
        spatial = (size * (0.1 * size).tanh() * hidden).sum() / hidden.sum() / 3
        seen = 0.001 * pred + 0.999 * (0.5 * pred.detach() + 0.5 * view)
        error = (torch.where(hidden.bool(), pred, seen) - view).mean(0)
        power = torch.fft.fft2(error, norm='ortho').abs().square()
        weight = power.detach().sqrt().log1p()
        return spatial + (weight / weight.max() * power).mean()

    def contrast(self, feats: Tensor, goal: Tensor, negatives: Tensor) -> Tensor:
        """InfoNCE against a snapshot of the queue."""
        queries = F.normalize(self.student['neck'](feats.mean((2, 3))).float(), dim=1)
        with torch.no_grad():
            keys = self.teacher['neck'](goal.mean((2, 3))).float()
            keys = F.normalize(keys, dim=1)
        logits = torch.cat(
            [(queries * keys).sum(1, keepdim=True), queries @ negatives], dim=1
        )
        first = torch.zeros(len(queries), dtype=torch.long, device=logits.device)
        if self.slot + len(keys) > self.queue.shape[1]:
            self.slot = 0
        self.queue[:, self.slot : self.slot + len(keys)] = keys.T
        self.slot += len(keys)
        return F.cross_entropy(logits / self.temperature, first)

    def distil(
        self, feats: Tensor, goal: Tensor, here: Tensor, there: Tensor
    ) -> Tensor:
        """Cross-entropy with the sharpened teacher at the nearest cells."""
        squares = (here[:, :, None] - there[:, None]).square().sum(-1)
        nearest, partner = squares.min(dim=2)
        kept = nearest.topk(self.matches, largest=False).indices
        rows = torch.arange(len(here), device=here.device)[:, None]
        mine = feats.flatten(2).transpose(1, 2)[rows, kept].flatten(0, 1)
        theirs = goal.flatten(2).transpose(1, 2)[rows, partner.gather(1, kept)]
        scores = self.student['local'](mine)
        with torch.no_grad():
            wanted = self.teacher['local'](theirs.flatten(0, 1))
            target = ((wanted - self.centre) / self.sharpness).softmax(1)
            self.centre.lerp_(wanted.mean(0, keepdim=True), 0.1)
        return F.cross_entropy(scores / 0.1, target)


class BareGeoKR:
    """The update of GeoKR between two milestones of the teacher, which then rests.

    Args:
        model: A ready ``rsp.GeoKR``; its parts are copied.
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
            dict(backbone=model.backbone, classifier=model.classifier.mlp)
        )
        self.student = copy.deepcopy(parts).to(memory_format=memory_format)
        self.teacher = copy.deepcopy(self.student).requires_grad_(False)
        self.mean, self.std = model.data_preprocessor.mean, model.data_preprocessor.std
        self.optimizer = make_optimizer(self.student.parameters())
        self.dtype = dtype

    def step(self, batch: dict) -> None:
        """One update from a batch of ``rsp.stacked_collate``."""
        device = self.mean.device
        images = batch['inputs'].to(device)[:, [2, 1, 0]]
        images = (images.float() - self.mean) / self.std
        shares = batch['data_samples'].gt_score.to(device)
        with torch.autocast(device.type, self.dtype, enabled=self.dtype is not None):
            scores = self.classify(self.student, images)
            with torch.no_grad():
                goals = self.classify(self.teacher, images)
        log_goals = goals.float().log_softmax(1)
        scores = scores.float()
        loss = -(shares * scores.log_softmax(1)).mean()
        loss = loss - (scores.softmax(1) * log_goals).mean()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()

    @staticmethod
    def classify(parts: nn.ModuleDict, images: Tensor) -> Tensor:
        """Class scores of pooled features."""
        return parts['classifier'](parts['backbone'](images)[-1].mean((2, 3)))


BARE_LOOPS = dict(GeRSP=BareGeRSP, CMID=BareCMID, GeoKR=BareGeoKR)
