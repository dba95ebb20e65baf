"""Recognize what a checkpoint file is by the names of its tensors."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from rsp.checkpoints.families import find_family
from rsp.errors import UserError
from rsp.ops import check

BRANCHES = ('student', 'teacher')
# Under what a file may keep the tensors; the second is CMID's and timm's.
WRAPPERS = ('state_dict', 'model')


@dataclass(frozen=True)
class Format:
    """Describe one kind of checkpoint file.

    Attributes:
        key: Its name on the command line.
        title: Its name in reports.
        marks: Beginnings of names that, all present, tell it from the others.
        branches: Prefixes of each branch's backbone; the first that is there counts.
        default: The branch taken unless another one is asked for.
        other: Beginnings of names that belong to the format but to no backbone.
        pixels: Mean and standard deviation per channel (RGB, 0-255) of the official
            training; None where there are many, or none is known.
        settings: What no shape tells of the networks of the official code
            (`Family.settings`), beside the standard; None if that is not known.
    """

    key: str
    title: str
    marks: tuple[str, ...]
    branches: Mapping[str, tuple[str, ...]]
    default: str = 'student'
    other: tuple[str, ...] = ()
    pixels: tuple[tuple[float, ...], tuple[float, ...]] | None = None
    settings: Mapping[str, Any] | None = None

    def find_prefix(self, names: Iterable[str], branch: str) -> str:
        """Return the beginning of the names of one branch's backbone.

        Raises:
            UserError: If the branch is not there; the message lists what is.
        """
        check.one_of('branch', branch, BRANCHES)
        names = list(names)
        prefixes = self.branches.get(branch, ())
        for prefix in prefixes:
            if any(name.startswith(prefix) for name in names):
                return prefix
        looked = f' (names starting with {" or ".join(prefixes)})' if prefixes else ''
        raise UserError(
            f'no backbone of a {branch}{looked} in this checkpoint, '
            f'{self.title}: {list_modules(names)}.'
        )

    def find_branches(self, names: Iterable[str]) -> dict[str, str]:
        """Return the branches that a file has, with the beginning of their names."""
        names = list(names)
        return {
            branch: self.find_prefix(names, branch)
            for branch, prefixes in self.branches.items()
            if any(name.startswith(prefixes) for name in names)
        }


IMAGENET = ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))
# CMID's, for all of its data sets.
POTSDAM = ((86.18235, 91.9275, 85.374), (34.6545, 34.476, 35.8785))
# GeoKR divides by 255 and leaves it at that.
UNIT = ((0.0, 0.0, 0.0), (255.0, 255.0, 255.0))

OURS = dict(student=('backbone.',), teacher=('teacher.module.backbone.',))
MOMENTUM = dict(student=('backbone.',), teacher=('momentum_encoder.module.0.',))

# The first whose marks are all there wins. Formats of GeRSP, GeoKR and CMID: their
# official code; MoCo: facebookresearch/moco; Geo-Aware's files share it. The tensor
# names of SeCo, CACO and TOV are not known here; files converted to `backbone.`, as
# GeRSP's authors did, are read.
FORMATS: tuple[Format, ...] = (
    Format(
        'cmid',
        'official CMID',
        ('online_encoder.', 'branch_encoder.'),
        dict(student=('online_encoder.model.',), teacher=('branch_encoder.',)),
        other=('online_encoder.mask_token', 'mim2org.', 'online_projector.',
               'branch_projector.', 'class_projector.',
               'branch_class_projector.', 'class_loss.', 'queue'),
        pixels=POTSDAM,
        settings={},
    ),
    Format(
        'geokr',
        'official GeoKR',
        ('student_network.',),
        dict(student=('student_network.',), teacher=('teacher_network.',)),
        # The paper's figure hands the teacher to downstream tasks.
        default='teacher',
        other=('student_network_classifier', 'teacher_network_classifier'),
        pixels=UNIT,
        settings={},
    ),
    Format(
        'geokr',
        'official GeoKR',
        ('teacher_network.',),
        dict(teacher=('teacher_network.',)),
        default='teacher',
        other=('teacher_network_classifier',),
        pixels=UNIT,
        settings={},
    ),
    Format(
        'gersp',
        'official GeRSP',
        ('encoder_q.', 'encoder_k.', 'proj_q.'),
        # `backbone.` names the tensors of `encoder_q.` a second time.
        dict(student=('backbone.', 'encoder_q.'), teacher=('encoder_k.',)),
        other=('proj_q.', 'proj_k.', 'neck.', 'pred_q.', 'queue'),
        pixels=IMAGENET,
        settings={},
    ),
    Format(
        'mmselfsup',
        'MMSelfSup 0.x with a momentum encoder',
        ('encoder_q.0.conv1.', 'encoder_k.0.conv1.'),
        dict(student=('backbone.', 'encoder_q.0.'), teacher=('encoder_k.0.',)),
        other=('encoder_q.1.', 'encoder_k.1.', 'neck.', 'head.', 'queue'),
    ),
    Format(
        'mmselfsup',
        'MMSelfSup 0.x with a target network',
        ('online_net.0.', 'target_net.0.'),
        dict(student=('backbone.', 'online_net.0.'), teacher=('target_net.0.',)),
        other=('online_net.1.', 'target_net.1.', 'neck.', 'head.'),
    ),
    Format(
        'moco',
        'MoCo (also Geo-Aware)',
        ('encoder_q.conv1.', 'encoder_q.layer1.'),
        dict(student=('encoder_q.',), teacher=('encoder_k.',)),
        other=('queue',),
        settings={},
    ),
    Format(
        'dino',
        'a training of DINO, DINOv2 or DINOv3',
        ('teacher.backbone.',),
        dict(student=('student.backbone.',), teacher=('teacher.backbone.',)),
        default='teacher',
        other=tuple(
            f'{branch}.{head}'
            for branch in BRANCHES
            for head in ('head.', 'dino_head.', 'ibot_head.')
        ),
        pixels=IMAGENET,
        settings={},
    ),
    Format('rsp', 'a GeoKR pre-training of rsp',
           ('teacher.module.backbone.', 'teacher.module.classifier.'), OURS,
           default='teacher'),
    Format('rsp', 'a pre-training of rsp', ('backbone.', 'teacher.module.backbone.'),
           OURS),
    Format('mmpretrain', 'mmpretrain with a momentum encoder',
           ('backbone.', 'momentum_encoder.module.0.'), MOMENTUM),
    Format('mm', 'an mm-model or exported backbone', ('backbone.',), OURS),
    Format('rsp', 'a teacher of rsp', ('teacher.module.backbone.',), OURS),
    Format('mmpretrain', 'a momentum encoder of mmpretrain',
           ('momentum_encoder.module.0.',), MOMENTUM),
)  # fmt: skip

# A network alone, by whatever names.
BARE = Format('bare', 'a bare network', (), dict(student=('',)))

# Classifiers at the end of networks.
CLASSIFIERS = ('fc.', 'head.', 'heads.', 'classifier.', 'head_dist.')
# Our tensors by the names of earlier versions.
FORMER_NAMES = {'local_head.centre': 'local_head.center'}
# Tensors of a backbone that downstream tasks do not use: no image is masked there.
PRETRAINING_ONLY = ('mask_token',)


def detect_format(names: Iterable[str]) -> Format:
    """Recognize the format of a file.

    Args:
        names: Of its tensors, without a wrapper's ``module.``.

    Raises:
        UserError: If it is none that is known here.
    """
    names = list(names)
    for known in FORMATS:
        if all(any(n.startswith(mark) for n in names) for mark in known.marks):
            return known
    if find_family(names):
        return BARE
    titles = dict.fromkeys(known.title for known in FORMATS)
    raise UserError(
        'no backbone of a student or a teacher by the names of a known format '
        f'({", ".join(titles)}, or a bare network of mmpretrain, torchvision or timm), '
        f'got {list_modules(names)}.'
    )


def get_state_dict(content: Mapping[str, Any]) -> dict[str, Tensor]:
    """Return the tensors in a checkpoint, without a wrapper's ``module.``.

    Args:
        content: Of a file: ``state_dict`` or ``model`` beside other things, or bare
            tensors by name.

    Raises:
        UserError: If there are no tensors by name.
    """
    wrapped = [content.get(key) for key in WRAPPERS]
    state = next((w for w in wrapped if isinstance(w, Mapping)), content)
    tensors = {k: v for k, v in state.items() if isinstance(v, Tensor)}
    for branch in BRANCHES:  # DINO keeps a dictionary of each.
        inner = state.get(branch)
        for name, value in inner.items() if isinstance(inner, Mapping) else ():
            if isinstance(value, Tensor):
                tensors[f'{branch}.{name.removeprefix("module.")}'] = value
    if not tensors:
        optimizer = 'param_groups' in content or 'optimizer' in content
        hint = ', which is the state of an optimizer without the model'
        raise UserError(
            "expected 'state_dict' or tensors by name, got the keys "
            f'{sorted(map(str, content))[:8]}{hint if optimizer else ""}.'
        )
    plain = {name.removeprefix('module.'): tensor for name, tensor in tensors.items()}
    return {FORMER_NAMES.get(name, name): tensor for name, tensor in plain.items()}


def list_modules(names: Iterable[str]) -> str:
    """Sum up names of tensors: ``'backbone (120 tensors), neck (4), queue (2)'``."""
    counts: Counter[str] = Counter()
    for name in names:
        levels = name.split('.')
        wrapped = levels[1:2] == ['module']
        counts['.'.join(levels[: 3 if wrapped else 1])] += 1
    listed = [f'{name} ({count})' for name, count in counts.items()]
    plural = '' if next(iter(counts.values()), 0) == 1 else 's'
    return ', '.join(listed[:12]).replace(')', f' tensor{plural})', 1)
