"""Stage failures of pre-training, as users meet them.

Each entry makes a config; the hook knows nothing of what is staged.
"""

from typing import Any, NamedTuple

import numpy as np
import torch
from methods import (
    CONTRAST,
    SIDE,
    WIDTH,
    byol,
    cmid,
    geokr,
    gersp,
    mae,
    moco,
    simclr,
    simsiam,
)
from mmcv.transforms import BaseTransform
from mmpretrain.models import ContrastiveHead, LatentPredictHead
from mmpretrain.models.selfsup import MoCo
from torch import Tensor, nn
from trainings import (
    augment,
    folder,
    land_cover,
    masked,
    paired,
    photos,
    single,
    training,
    views,
)

from rsp.models.selfsup import GeRSP
from rsp.registry import MODELS, TRANSFORMS

TEACHER = dict(type='rsp.TeacherHook')


class Fault(NamedTuple):
    """A training that fails, the rule that names it, and how many processes run."""

    name: str
    rule: str
    config: dict
    ranks: int = 1


@MODELS.register_module(force=True)
class PullOnlyHead(ContrastiveHead):
    """Pull views together and push nothing apart."""

    def loss(self, pos: Tensor, neg: Tensor) -> Tensor:
        return (1 - pos).mean() / self.temperature


@MODELS.register_module(force=True)
class LeakyPredictHead(LatentPredictHead):
    """Let the gradient flow into the target, and predict nothing."""

    def loss(self, input: Tensor, target: Tensor) -> Tensor:
        return -torch.nn.functional.cosine_similarity(
            self.predictor([input])[0], target
        ).mean()


@MODELS.register_module(force=True)
class NoPredictor(nn.Module):
    def forward(self, x: list[Tensor]) -> list[Tensor]:
        return x


@MODELS.register_module(force=True)
class FrozenTeacherGeRSP(GeRSP):
    """Forget to move the teacher."""

    def make_teacher(self, config: dict | None = None, **settings: Any) -> None:
        super().make_teacher(config, **settings)
        self.teacher.update_parameters = lambda student: None


@MODELS.register_module(force=True)
class UnshuffledMoCo(MoCo):
    """Move the teacher and encode the keys of each process by its own statistics."""

    def loss(self, inputs: list[Tensor], data_samples: Any, **_: Any) -> dict:
        normalize = torch.nn.functional.normalize
        queries = normalize(self.neck(self.backbone(inputs[0]))[0], dim=1)
        with torch.no_grad():
            self.encoder_k.update_parameters(nn.Sequential(self.backbone, self.neck))
            keys = normalize(self.encoder_k(inputs[1])[0], dim=1)
        positive = (queries * keys).sum(dim=1, keepdim=True)
        negative = queries @ self.queue.clone().detach()
        self._dequeue_and_enqueue(keys)
        return dict(loss=self.head.loss(positive, negative))


@MODELS.register_module(force=True)
class IdleQueueMoCo(MoCo):
    """Forget to store the keys."""

    def _dequeue_and_enqueue(self, keys: Tensor) -> None:
        pass


@MODELS.register_module(force=True)
class DetachedMoCo(MoCo):
    """Cut the backbone off its loss."""

    def loss(self, inputs: list[Tensor], data_samples: Any, **kwargs: Any) -> dict:
        handle = self.backbone.register_forward_hook(
            lambda module, given, out: tuple(o.detach() for o in out)
        )
        try:
            return super().loss(inputs, data_samples, **kwargs)
        finally:
            handle.remove()


@TRANSFORMS.register_module(force=True)
class Replace(BaseTransform):
    """Put other pixels in place of those of an image."""

    def __init__(self, by: str) -> None:
        self.by = by
        self.first: np.ndarray | None = None

    def transform(self, results: dict) -> dict:
        image = results['img']
        if self.by == 'constant':
            rng = np.random.default_rng(sum(results['img_path'].encode()))
            image = np.full_like(image, rng.integers(255))
        elif self.by == 'one image':
            self.first = image if self.first is None else self.first
            image = self.first
        elif self.by == 'nan':
            image = image.astype(np.float32)
            image[..., 1] = np.nan
        return results | dict(img=image)


@TRANSFORMS.register_module(force=True)
class ShuffleLabel(BaseTransform):
    """Give each file a label that has nothing to do with it."""

    def transform(self, results: dict) -> dict:
        seed = sum(results['img_path'].encode()) * 7919
        return results | dict(gt_label=int(np.random.default_rng(seed).integers(10)))


@TRANSFORMS.register_module(force=True)
class OneClass(BaseTransform):
    """Find the same land cover below every image."""

    def transform(self, results: dict) -> dict:
        shares = np.zeros_like(results['gt_score'])
        shares[3] = 1
        return results | dict(gt_score=shares)


@TRANSFORMS.register_module(force=True)
class MixUpViews(BaseTransform):
    """Pair a view with one of the image before."""

    def __init__(self) -> None:
        self.last: Any = None

    def transform(self, results: dict) -> dict:
        views = list(results['img'])
        self.last, other = views[1], self.last
        if other is not None:
            views[1] = other
        return results | dict(img=views)


def replaced(by: str, jitter: bool = True) -> list[dict]:
    """Write a pipeline whose images are others."""
    load, *rest = views(augment() if jitter else [augment()[0]])
    return [load, dict(type='rsp.Replace', by=by), *rest]


def two_views_then(*transforms: dict) -> list[dict]:
    *rest, pack = views()
    return [*rest, *transforms, pack]


def gersp_run(
    model: dict | None = None, labels: dict | None = None, **keys: Any
) -> dict:
    pictures = photos()
    if labels:
        *rest, pack = pictures['pipeline']
        pictures['pipeline'] = [*rest, labels, pack]
    return training(model or gersp(), paired(folder(views()), pictures), **keys)


def torchgeo_simclr() -> dict:
    """SimCLR's rate for batches of 4,096, without LARS, as toolkits have it."""
    sgd = dict(type='SGD', lr=4.8, momentum=0.9, weight_decay=1e-4)
    head = CONTRAST | dict(temperature=0.07)
    return training(simclr(head=head), folder(views()), optimizer=sgd)


def dead_projector() -> dict:
    """A projector whose last layer started at 0 and cannot leave it."""
    neck = dict(type='rsp.DeadNeck', in_channels=8 * WIDTH)
    return training(moco(neck=neck), folder(views()))


@MODELS.register_module(force=True)
class DeadNeck(nn.Module):
    """A projector all of whose units are off."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.first = nn.Linear(in_channels, 64)
        self.last = nn.Linear(64, 64)
        nn.init.constant_(self.first.bias, -100)

    def forward(self, x: Any) -> tuple[Tensor]:
        return (self.last(self.first(x[-1].mean((2, 3))).relu()),)


FAULTS = [
    Fault(
        'MoCo without negatives',
        'collapse',
        training(moco(head=CONTRAST | dict(type='rsp.PullOnlyHead')), folder(views())),
    ),
    Fault(
        'SimSiam without stop-gradient',
        'collapse',
        training(
            simsiam(
                head=simsiam()['head']
                | dict(
                    type='rsp.LeakyPredictHead', predictor=dict(type='rsp.NoPredictor')
                )
            ),
            folder(views()),
        ),
    ),
    Fault(
        'SimSiam without stop-gradient, with its predictor',
        'collapse',
        training(
            simsiam(head=simsiam()['head'] | dict(type='rsp.LeakyPredictHead')),
            folder(views()),
        ),
    ),
    Fault(
        'BYOL without predictor',
        'collapse',
        training(
            byol(head=byol()['head'] | dict(predictor=dict(type='rsp.NoPredictor'))),
            folder(views()),
        ),
    ),
    Fault('SimCLR at the rate of torchgeo', 'rate', torchgeo_simclr()),
    Fault(
        'MoCo at 30 times the rate',
        'rate',
        training(moco(), folder(views()), lr=3e-2),
    ),
    Fault('GeRSP at 30 times the rate', 'rate', gersp_run(lr=3e-2)),
    Fault('rate of 0', 'still', training(moco(), folder(views()), lr=0.0)),
    Fault(
        'constant images',
        'flat_images',
        training(simclr(), folder(replaced('constant'))),
    ),
    Fault(
        'one image repeated',
        'same_images',
        training(moco(), folder(replaced('one image'))),
    ),
    Fault(
        'views of different images paired',
        'same_images',
        training(simclr(), folder(two_views_then(dict(type='rsp.MixUpViews')))),
    ),
    Fault(
        'views without augmentation',
        'equal_views',
        training(simclr(), folder(views([dict(type='Resize', scale=(SIDE, SIDE))]))),
    ),
    Fault(
        'queue longer than the data',
        'queue_length',
        training(moco(queue_len=4096), folder(views())),
    ),
    Fault(
        'queue that is never filled',
        'queue_idle',
        training(moco(type='rsp.IdleQueueMoCo'), folder(views())),
    ),
    Fault(
        'frozen teacher of GeRSP',
        'teacher_still',
        gersp_run(gersp(type='rsp.FrozenTeacherGeRSP')),
    ),
    Fault(
        'CMID without its TeacherHook',
        'teacher_still',
        training(cmid(), masked()),
    ),
    Fault(
        'teacher of momentum 1',
        'teacher_copy',
        gersp_run(gersp(teacher=dict(momentum=1.0))),
    ),
    Fault(
        'temperature times 100',
        'temperature',
        training(moco(head=CONTRAST | dict(temperature=20.0)), folder(views())),
    ),
    Fault(
        'GeRSP with shuffled labels',
        'labels',
        gersp_run(labels=dict(type='rsp.ShuffleLabel')),
    ),
    Fault(
        'masks of 0 %',
        'mask',
        training(cmid(), masked(ratio=0.0), hooks=(TEACHER,)),
    ),
    Fault(
        'masks of 100 %',
        'mask',
        training(cmid(), masked(ratio=1.0), hooks=(TEACHER,)),
    ),
    Fault(
        'MAE that masks nothing',
        'mask',
        training(mae(mask_ratio=0.0), folder(single())),
    ),
    Fault(
        'land cover of one class',
        'one_class',
        training(
            geokr(), land_cover(more=(dict(type='rsp.OneClass'),)), hooks=(TEACHER,)
        ),
    ),
    Fault(
        'batch norm leaking on two ranks',
        'leak',
        training(moco(type='rsp.UnshuffledMoCo'), folder(views())),
        2,
    ),
    Fault(
        'NaN in a band',
        'not_finite',
        training(moco(), folder(replaced('nan', jitter=False))),
    ),
    Fault('dead projector', 'projector', dead_projector()),
    Fault(
        'backbone cut off its loss',
        'no_gradient',
        training(moco(type='rsp.DetachedMoCo'), folder(views())),
    ),
]
