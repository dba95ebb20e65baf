"""List the known formats of checkpoint files: a row of beginnings of names each."""

from typing import Any

from rsp.checkpoints.formats.format import BRANCHES, Format

IMAGENET = ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))
# CMID's, for all of its data sets.
POTSDAM = ((86.18235, 91.9275, 85.374), (34.6545, 34.476, 35.8785))
# GeoKR divides by 255 and leaves it at that.
UNIT = ((0.0, 0.0, 0.0), (255.0, 255.0, 255.0))

OURS = dict(student=('backbone.',), teacher=('teacher.module.backbone.',))
MOMENTUM = dict(student=('backbone.',), teacher=('momentum_encoder.module.0.',))

# What may stand between a branch and its backbone, `backbone.encoder.` and so on.
INNER = ('backbone.', 'encoder.', 'model.', 'net.', 'vit.', 'timm_model.', '')


def _inside(*prefixes: str) -> tuple[str, ...]:
    return tuple(prefix + inner for prefix in prefixes for inner in INNER)


def _pair(
    title: str, student: str, teacher: str, branch: str = 'teacher', **more: Any
) -> Format:
    """Return the format of a network and one that is its average, by prefix."""
    branches = {'student': _inside(student), branch: _inside(teacher)}
    return Format('pair', title, (student, teacher), branches, **more)


# The first whose marks are all there wins. Formats of GeRSP, GeoKR and CMID: their
# official code; MoCo: facebookresearch/moco; Geo-Aware's files share it. The tensor
# names of CACO and TOV are not known here; files converted to `backbone.`, as GeRSP's
# authors did, are read.
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
    # facebookresearch/moco-v3: its ViT-S and ViT-B have twelve heads.
    _pair('MoCo v3', 'base_encoder.', 'momentum_encoder.',
          settings=dict(num_heads=12)),
    _pair('DINO of lightly', 'student_backbone.', 'teacher_backbone.',
          default='teacher'),
    _pair('a student and a teacher', 'student.', 'teacher.', default='teacher'),
    _pair('a network with its average', 'student.', 'ema.', 'ema'),
    _pair('a network with its average', 'model.', 'ema_model.', 'ema'),
    _pair('a network with its average', 'model.', 'model_ema.', 'ema'),
    _pair('BYOL', 'online_encoder.', 'target_encoder.'),
    _pair('BYOL', 'online_network.', 'target_network.'),
    _pair('solo-learn with a momentum encoder', 'encoder.', 'momentum_encoder.'),
    _pair('a JEPA or MSN', 'encoder.', 'target_encoder.', default='teacher'),
    _pair('solo-learn with a momentum encoder', 'backbone.', 'momentum_backbone.'),
    _pair('lightly with a momentum encoder', 'backbone.', 'backbone_momentum.'),
    _pair('BYOL of torchgeo', 'encoder.', '_target.'),
    _pair('MoCo of layers in a row (SeCo)', 'encoder_q.', 'encoder_k.'),
    Format('simmim', 'SimMIM, or a masked autoencoder of an encoder and a decoder',
           ('encoder.', 'decoder.'), dict(student=_inside('encoder.')), settings={}),
    Format('simsiam', 'SimSiam', ('encoder.', 'predictor.'),
           dict(student=_inside('encoder.')), settings={}),
    Format('rsp', 'a GeoKR pre-training of rsp',
           ('teacher.module.backbone.', 'teacher.module.classifier.'), OURS,
           default='teacher'),
    Format('rsp', 'a pre-training of rsp', ('backbone.', 'teacher.module.backbone.'),
           OURS),
    Format('mmpretrain', 'mmpretrain with a momentum encoder',
           ('backbone.', 'momentum_encoder.module.0.'), MOMENTUM),
    Format('mmpretrain', 'mmpretrain with a target network',
           ('backbone.', 'target_net.module.0.'),
           dict(student=('backbone.',), teacher=('target_net.module.0.',))),
    Format('mm', 'an mm-model or exported backbone', ('backbone.',),
           dict(OURS, student=_inside('backbone.'))),
    Format('rsp', 'a teacher of rsp', ('teacher.module.backbone.',), OURS),
    Format('mmpretrain', 'a momentum encoder of mmpretrain',
           ('momentum_encoder.module.0.',), MOMENTUM),
    Format('pair', 'a teacher', ('teacher.',), dict(teacher=_inside('teacher.')),
           default='teacher'),
    Format('pair', 'an average of a network', ('ema.',), dict(ema=_inside('ema.')),
           default='ema'),
)  # fmt: skip

# A network alone, by whatever names.
BARE = Format('bare', 'a bare network', (), dict(student=('',)))

# What prefixes wrappers put before all names of a model (Lightning's, solo-learn's).
OUTER = ('model.', 'net.', 'network.', 'student.', 'encoder.', 'trunk.', 'vit.')
# Classifiers at the end of networks.
CLASSIFIERS = ('fc.', 'head.', 'heads.', 'classifier.', 'head_dist.')
# What else only pre-training uses: projectors, and decoders of masked images (MAE).
PRETRAINING_HEADS = (
    *('projector.', 'projection_head.', 'predictor.', 'prediction_head.'),
    *('prototypes.', 'decoder.', 'decoder_', 'neck.'),
)
# Tensors of a backbone that downstream tasks do not use: no image is masked there.
PRETRAINING_ONLY = ('mask_token', 'masked_embed')
