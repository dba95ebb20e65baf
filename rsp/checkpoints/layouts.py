"""Where the backbones stand in the checkpoints that people have."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from torch import Tensor

from rsp.checkpoints.layout import list_parts
from rsp.checkpoints.naming import naming_of
from rsp.errors import UserError


@dataclass(frozen=True)
class Layout:
    """One kind of checkpoint file.

    Attributes:
        key: Its name on the command line.
        title: Its name in reports.
        marks: Beginnings of names that, all present, tell it from the others.
        parts: Where each part's backbone stands; the first that is there counts.
        default: The part taken unless another one is asked for.
        other: Beginnings of names that belong to the layout but to no backbone.
        pixels: Mean and standard deviation per channel (RGB, 0-255) of the official
            training; None where there are many, or none is known.
    """

    key: str
    title: str
    marks: tuple[str, ...]
    parts: Mapping[str, tuple[str, ...]]
    default: str = 'student'
    other: tuple[str, ...] = ()
    pixels: tuple[tuple[float, ...], tuple[float, ...]] | None = None


IMAGENET = ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))
# CMID's, for all of its data sets.
POTSDAM = ((86.18235, 91.9275, 85.374), (34.6545, 34.476, 35.8785))
# GeoKR divides by 255 and leaves it at that.
UNIT = ((0.0, 0.0, 0.0), (255.0, 255.0, 255.0))

OURS = dict(student=('backbone.',), teacher=('teacher.module.backbone.',))
MOMENTUM = dict(student=('backbone.',), teacher=('momentum_encoder.module.0.',))

# The first whose marks are all there wins. Layouts of GeRSP, GeoKR and CMID: their
# official code; MoCo: facebookresearch/moco; Geo-Aware's files share it. What SeCo,
# CACO and TOV call their tensors is not known here, but converted as GeRSP's authors
# did (`backbone.`) they are read.
LAYOUTS: tuple[Layout, ...] = (
    Layout(
        'cmid',
        'official CMID',
        ('online_encoder.', 'branch_encoder.'),
        dict(student=('online_encoder.model.',), teacher=('branch_encoder.',)),
        other=('online_encoder.mask_token', 'mim2org.', 'online_projector.',
               'branch_projector.', 'class_projector.',
               'branch_class_projector.', 'class_loss.', 'queue'),
        pixels=POTSDAM,
    ),
    Layout(
        'geokr',
        'official GeoKR',
        ('student_network.',),
        dict(student=('student_network.',), teacher=('teacher_network.',)),
        # The paper's figure hands the teacher to downstream tasks.
        default='teacher',
        other=('student_network_classifier', 'teacher_network_classifier'),
        pixels=UNIT,
    ),
    Layout(
        'geokr',
        'official GeoKR',
        ('teacher_network.',),
        dict(teacher=('teacher_network.',)),
        default='teacher',
        other=('teacher_network_classifier',),
        pixels=UNIT,
    ),
    Layout(
        'gersp',
        'official GeRSP',
        ('encoder_q.', 'encoder_k.', 'proj_q.'),
        # `backbone.` names the tensors of `encoder_q.` a second time.
        dict(student=('backbone.', 'encoder_q.'), teacher=('encoder_k.',)),
        other=('proj_q.', 'proj_k.', 'neck.', 'pred_q.', 'queue'),
        pixels=IMAGENET,
    ),
    Layout(
        'mmselfsup',
        'MMSelfSup 0.x with a momentum encoder',
        ('encoder_q.0.conv1.', 'encoder_k.0.conv1.'),
        dict(student=('backbone.', 'encoder_q.0.'), teacher=('encoder_k.0.',)),
        other=('encoder_q.1.', 'encoder_k.1.', 'neck.', 'head.', 'queue'),
    ),
    Layout(
        'mmselfsup',
        'MMSelfSup 0.x with a target network',
        ('online_net.0.', 'target_net.0.'),
        dict(student=('backbone.', 'online_net.0.'), teacher=('target_net.0.',)),
        other=('online_net.1.', 'target_net.1.', 'neck.', 'head.'),
    ),
    Layout(
        'moco',
        'MoCo (also Geo-Aware)',
        ('encoder_q.conv1.', 'encoder_q.layer1.'),
        dict(student=('encoder_q.',), teacher=('encoder_k.',)),
        other=('queue',),
    ),
    Layout('rsp', 'a GeoKR pre-training of rsp',
           ('teacher.module.backbone.', 'teacher.module.classifier.'), OURS,
           default='teacher'),
    Layout('rsp', 'a pre-training of rsp', ('backbone.', 'teacher.module.backbone.'),
           OURS),
    Layout('mmpretrain', 'mmpretrain with a momentum encoder',
           ('backbone.', 'momentum_encoder.module.0.'), MOMENTUM),
    Layout('mm', 'an mm-model or exported backbone', ('backbone.',), OURS),
    Layout('rsp', 'a teacher of rsp', ('teacher.module.backbone.',), OURS),
    Layout('mmpretrain', 'a momentum encoder of mmpretrain',
           ('momentum_encoder.module.0.',), MOMENTUM),
)  # fmt: skip

# A network alone, by whatever names.
BARE = Layout('bare', 'a bare network', (), dict(student=('',)))

# Classifiers at the end of networks.
CLASSIFIERS = ('fc.', 'head.', 'heads.', 'classifier.', 'head_dist.')
# Tensors of a backbone without a place downstream: no image is masked there.
PRETRAINING_ONLY = ('mask_token',)
# Follows from the image size; the first authors of Swin save it all the same.
RECOMPUTED = ('attn_mask',)


def recognise(names: Iterable[str]) -> Layout:
    """Tell the layout of a file by the names of its tensors.

    Args:
        names: Without a wrapper's ``module.``.

    Raises:
        ValueError: If it is none that is known here.
    """
    names = list(names)
    for layout in LAYOUTS:
        if all(any(n.startswith(mark) for n in names) for mark in layout.marks):
            return layout
    if naming_of(names):
        return BARE
    parts = list_parts(names)
    known = dict.fromkeys(layout.title for layout in LAYOUTS)
    raise UserError(
        'no backbone of a student or a teacher by the names of a known layout '
        f'({", ".join(known)}, or a bare network '
        f'of mmpretrain, torchvision or timm), got {parts}.'
    )


def prefix_of(names: Iterable[str], layout: Layout, part: str) -> str:
    """The beginning of the names of one part's backbone.

    Args:
        names: Of a file in this layout.
        layout: See `recognise`.
        part: ``'student'`` or ``'teacher'``.

    Raises:
        ValueError: If the part is not there; the message lists what is.
    """
    if part not in OURS:
        raise UserError(f'expected part to be one of {list(OURS)}, got {part!r}.')
    names = list(names)
    prefixes = layout.parts.get(part, ())
    for prefix in prefixes:
        if any(name.startswith(prefix) for name in names):
            return prefix
    looked = f' (names starting with {" or ".join(prefixes)})' if prefixes else ''
    raise UserError(
        f'no backbone of a {part}{looked} among the parts of this checkpoint, '
        f'{layout.title}: {list_parts(names)}.'
    )


def parts_of(state: Mapping[str, Tensor], layout: Layout) -> dict[str, str]:
    """The parts that a file has, with the beginning of their names."""
    found = {}
    for part in layout.parts:
        try:
            found[part] = prefix_of(state, layout, part)
        except ValueError:
            continue
    return found
