"""Name the tasks, their configs by protocol, their measures and the papers' results."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from rsp.errors import UserError, shorten
from rsp.ops import check

PROTOCOLS = ('finetune', 'linear', 'frozen')
# Of mmpretrain's ResNet: all stages.
FROZEN = ('model.backbone.frozen_stages=4', 'model.backbone.norm_eval=True')
GERSP = 'GeRSP, TGRS 2024'
CMID = 'CMID, TGRS 2023, as its README corrects'
Row = tuple[str, str, str]


@dataclass(frozen=True)
class Task:
    """Hold a task.

    Attributes:
        name: In tables.
        config: Of fine-tuning, below ``configs/downstream``, with ``{backbone}``.
        metric: Key of the score.
        label: Of it, with its unit.
        factor: That brings it to per cent.
        probe: Config whose test fits probes, in place of training.
        options: Overrides of the config.
        published: Rows of papers: method, score, source.
        share: Of the training images, per cent.
    """

    name: str
    config: str
    metric: str
    label: str
    factor: float = 1
    probe: str | None = None
    options: tuple[str, ...] = ()
    published: Sequence[Row] = field(default=())
    share: float = 100

    def recipe(self, protocol: str, backbone: str) -> tuple[str, str, list[str], bool]:
        """Return config, metric, overrides and whether it trains.

        Raises:
            UserError: If the task knows no such protocol.
        """
        if protocol == 'finetune' or (protocol == 'frozen' and self.probe is None):
            frozen = FROZEN if protocol == 'frozen' else ()
            if frozen and backbone not in ('r50', 'r18'):
                raise UserError(
                    f"--protocol frozen freezes ResNets, got --backbone '{backbone}' "
                    f'for {self.name}; fine-tune it.'
                )
            config = self.config.format(backbone=backbone)
            return config, self.metric, [*self.options, *frozen], True
        if self.probe is None:
            raise UserError(
                f"--protocol linear fits scene classifiers, got '{self.name}'; take "
                '--protocol frozen, which trains its head on a frozen backbone.'
            )
        metric = 'linear/top1' if protocol == 'linear' else 'knn/top1'
        return self.probe.format(backbone=backbone), metric, [], False


def _scenes(name: str, *published: Row) -> Task:
    folder = 'classification/{backbone}_' + name
    return Task(
        name,
        f'{folder}_finetune.py',
        'accuracy/top1',
        'top-1, %',
        probe=f'{folder}_probe.py',
        published=published,
    )


def _gersp(*scores: str) -> list[Row]:
    names = ('ImageNet, supervised', 'GeRSP-100', 'GeRSP-200')
    return [(n, score, GERSP) for n, score in zip(names, scores, strict=True)]


def _cmid(resnet: str, swin: str) -> list[Row]:
    return [('CMID, ResNet-50', resnet, CMID), ('CMID, Swin-B', swin, CMID)]


def _segmentation(name: str, config: str, published: Sequence[Row] = ()) -> Task:
    config = f'segmentation/{config}.py'
    return Task(name, config, 'mIoU', 'mIoU, %', published=published)


TASKS = (
    _scenes('eurosat', *_gersp('97.84 ± 0.04', '97.87 ± 0.15', '97.87 ± 0.10')),
    _scenes('resisc45', *_gersp('92.48 ± 0.13', '92.67 ± 0.16', '92.74 ± 0.09')),
    _scenes('ucm', *_cmid('99.22', '99.48')),
    _scenes('aid'),
    Task(
        'dior',
        'detection/faster-rcnn_{backbone}_dior.py',
        'coco/bbox_mAP_50',
        'AP50, %',
        100,
        published=_gersp('65.1', '67.1', '67.8'),
    ),
    Task(
        'dota',
        'oriented_detection/oriented-rcnn_{backbone}_dota.py',
        'dota/mAP',
        'mAP, %',
        100,
        # Of the server's test part, trained on train and val.
        published=[(f'{n}, test part', s, c) for n, s, c in _cmid('76.63', '77.36')],
    ),
    Task(
        'dota-hbb',
        'detection/faster-rcnn_{backbone}_dota.py',
        'coco/bbox_mAP_50',
        'AP50, %',
        100,
        published=_gersp('65.1', '65.9', '66.1'),
    ),
    _segmentation(
        'loveda', 'psanet_{backbone}_loveda', _gersp('49.24', '49.53', '49.56')
    ),
    _segmentation('potsdam', 'upernet_{backbone}_potsdam', _cmid('87.35', '88.36')),
    _segmentation('vaihingen', 'upernet_{backbone}_vaihingen', _cmid('79.44', '80.01')),
    Task(
        'levir-cd', 'change_detection/bit_{backbone}_levir-cd.py', 'change/F1', 'F1, %'
    ),
    Task(
        'cdd',
        'change_detection/bit_{backbone}_cdd.py',
        'change/F1',
        'F1, %',
        published=[(f'{n}, mean F1', s, c) for n, s, c in _cmid('96.95', '97.11')],
    ),
)


def _iterations(count: int, *schedule: str) -> tuple[str, ...]:
    return (
        f'train_cfg.max_iters={count}',
        f'train_cfg.val_interval={count}',
        f'default_hooks.checkpoint.interval={count}',
        *(f'param_scheduler.1.{key}={count}' for key in schedule),
    )


# A small real set and a ResNet-18 each, minutes on a CPU; the configs' own names.
MINI = (
    Task(
        'eurosat-mini',
        'classification/r18_eurosat_finetune_mini.py',
        'accuracy/top1',
        'top-1, %',
        probe='classification/r18_eurosat-quickstart_probe.py',
        options=_iterations(120, 'T_max', 'end'),
    ),
    Task(
        'vehicle-mini',
        'detection/atss_r18_vehicle_mini.py',
        'coco/bbox_mAP_50',
        'AP50, %',
        100,
        options=_iterations(60, 'end'),
    ),
    Task(
        'dota-mini',
        'oriented_detection/oriented-rcnn_r50_dota.py',
        'dota/mAP',
        'mAP, %',
        100,
        options=(
            'train_cfg.max_epochs=24',
            'train_cfg.val_interval=24',
            'param_scheduler.1.end=24',
            'param_scheduler.1.milestones=[16,22]',
            'train_dataloader.dataset.pipeline.3.scale=(256,256)',
            'val_dataloader.dataset.pipeline.1.scale=(256,256)',
            'model.backbone.depth=18',
            'model.backbone.norm_eval=False',
            'model.neck.in_channels=64,128,256,512',
            # On CPUs a rotated pair of boxes takes a microsecond to compare, and a
            # sampled one two milliseconds to align.
            'model.train_cfg.rpn_proposal.max_per_img=200',
            'model.train_cfg.rcnn.sampler.num=64',
            'model.test_cfg.rpn.max_per_img=100',
            'param_scheduler.0.end=10',
        ),
    ),
    Task(
        'building-mini',
        'segmentation/upernet_r18_building-oam_mini.py',
        'mIoU',
        'mIoU, %',
        options=_iterations(60, 'T_max', 'end'),
    ),
    Task(
        'levir-cd-mini',
        'change_detection/bit_r50_levir-cd.py',
        'change/F1',
        'F1, %',
        options=(
            'train_cfg.max_epochs=200',
            'train_cfg.val_interval=50',
            'param_scheduler.0.end=201',
            'train_dataloader.batch_size=4',
            'model.backbone.depth=18',
            'model.decode_head.in_channels=256',
            'default_hooks.checkpoint.interval=200',
        ),
    ),
)


def with_shares(tasks: Sequence[Task], shares: Sequence[float]) -> list[Task]:
    """Return each task once for each share of its training images, per cent.

    Papers trained on all: their rows stand beside 100 % alone.

    Raises:
        UserError: If a share is none.
    """
    found = []
    for task in tasks:
        for share in dict.fromkeys(shares):
            check.between('--shares, per cent,', share, 0, 100)
            name = f'{task.name}-{share:g}percent'
            few = replace(task, name=name, published=(), share=share)
            found.append(task if share == 100 else few)
    return found


def find_tasks(names: Sequence[str]) -> list[Task]:
    """Return tasks by name, in the order given.

    Raises:
        UserError: With the names that there are.
    """
    known: Mapping[str, Any] = {task.name: task for task in (*TASKS, *MINI)}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UserError(
            f'expected tasks among {", ".join(known)}, got {shorten(unknown)}; correct '
            '--tasks.'
        )
    return [known[name] for name in dict.fromkeys(names)]
