"""List wrong configs and command lines, each with the words its refusal has to hold.

Every one ends with exit code 1 and one line: what is wrong, the key or file, and the
nearest valid name where there is one. `WRONG` is data; `write` makes the inputs and
`command_line` the words of the command, for tests and for programs that run them all.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[3]

# GeRSP on 24 scenes and 20 photos of two classes: 3 steps.
GERSP = """
_base_ = '{root}/configs/gersp/gersp_resnet18_1xb64-adamw-coslr-10e_quickstart.py'
remote = dict(data_root='{data}', data_prefix='scenes')
natural = dict(data_root='{data}', data_prefix='photos')
train_dataloader = dict(
    batch_size=8, num_workers=0, persistent_workers=False,
    dataset=dict(sources=dict(remote=remote, natural=natural)),
)
model = dict(
    backbone=dict(stem_channels=8, base_channels=4), neck=dict(widths=[32, 16, 8]),
    sup_head=dict(in_channels=32), queue=dict(dim=8, length=24),
)
train_cfg = dict(max_epochs=1)
default_hooks = dict(logger=dict(interval=1))
"""
# The supervised recipe on the photos.
SUPERVISED = """
_base_ = '{root}/configs/supervised/supervised_resnet50_8xb32-steplr-100e_in1k.py'
pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='RandomResizedCrop', scale=32),
    dict(type='PackInputs'),
]
model = dict(
    backbone=dict(depth=18, stem_channels=8, base_channels=4),
    head=dict(in_channels=32, num_classes=2, topk=(1,)),
)
train_dataloader = dict(
    batch_size=8, num_workers=0, persistent_workers=False,
    dataset=dict(data_root='{data}', data_prefix='photos', pipeline=pipeline),
)
val_dataloader = None
val_evaluator = None
val_cfg = None
train_cfg = dict(max_epochs=1)
default_hooks = dict(logger=dict(interval=1))
"""
TASKS = ('classification.py', 'detection.py', 'segmentation.py', 'change_detection.py')
CONFIGS = {'gersp.py': GERSP, 'supervised.py': SUPERVISED}


class Wrong(NamedTuple):
    """Describe one mistake.

    Attributes:
        name: Of the mistake, unique.
        kind: Of mistakes, for the table.
        words: What the message has to hold.
        options: Behind ``--cfg-options``.
        text: Lines of a config ``wrong.py`` that inherits from ``base``; they replace
            all of it if they contain ``_base_`` or `whole` is set.
        base: Config of `CONFIGS` or `TASKS`.
        command: Words, in place of ``train CONFIG --work-dir FOLDER/run``.
        more: Further words of the command.
        whole: Whether ``text`` is the whole config.
    """

    name: str
    kind: str
    words: tuple[str, ...]
    options: tuple[str, ...] = ()
    text: str = ''
    base: str = 'gersp.py'
    command: tuple[str, ...] = ()
    more: tuple[str, ...] = ()
    whole: bool = False


def write(folder: Path) -> None:
    """Write images, configs and files that the mistakes are about."""
    rng = np.random.default_rng(0)
    names = [f'scenes/{number:02}.png' for number in range(24)]
    names += [f'photos/{"ab"[number % 2]}/{number}.png' for number in range(20)]
    for name in names:
        file = folder / 'data' / name
        file.parent.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 255, (48, 48, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(file)
    (folder / 'data/empty').mkdir(exist_ok=True)
    values = dict(root=ROOT.as_posix(), data=(folder / 'data').as_posix())
    for name, text in CONFIGS.items():
        (folder / name).write_text(text.format(**values), encoding='utf-8')
    (folder / 'text.pth').write_text('no checkpoint', encoding='utf-8')
    (folder / 'broken_module_of_mine.py').write_text('import not_installed_here\n')


def write_weights(folder: Path) -> None:
    """Write ``r18.pth``, a ResNet-18 of torchvision, for commands on checkpoints."""
    import rsp  # noqa: F401  isort: skip  before torchvision, see rsp.compat

    import torch
    from torchvision.models import resnet18

    torch.save(resnet18().state_dict(), folder / 'r18.pth')


def write_task(folder: Path, task: str) -> None:
    """Write a tiny config of a downstream task, and images for it."""
    from cases.runs.task_runs import task_config, write_task_data

    root = folder / 'tasks'
    if not root.exists():
        write_task_data(root)
    task_config(task, root, 'run').dump(folder / f'{task}.py')


def command_line(wrong: Wrong, folder: Path) -> list[str]:
    """Return the words behind ``rsp`` for one mistake; `write` was there before."""
    config = folder / wrong.base
    if wrong.base in TASKS and not config.exists():
        write_task(folder, config.stem)
    if wrong.text:
        config = folder / 'wrong.py'
        head = '' if wrong.whole or '_base_' in wrong.text else f"'{wrong.base}'"
        text = (f'_base_ = {head}\n' if head else '') + wrong.text
        text = text.replace('{folder}', folder.as_posix())
        config.write_text(text, encoding='utf-8')
    words = wrong.command or ('train', '{config}', '--work-dir', '{folder}/run')
    options = ('--cfg-options', *wrong.options) if wrong.options else ()
    return [
        word.replace('{config}', str(config)).replace('{folder}', str(folder))
        for word in (*words, *wrong.more, *options)
    ]


def _misspelt(key: str, near: str, value: str, *words: str) -> Wrong:
    last = key.rpartition('.')[2]
    return Wrong(
        key, 'misspelt key', (key, f"'{near}'", *words), options=(f'{key}={value}',)
    )._replace(name=f'misspelt {last}')


def _typed(key: str, value: str, *words: str) -> Wrong:
    return Wrong(f'type {value}', 'type', (key, *words), options=(f'{key}={value}',))


def _value(key: str, value: str, *words: str, kind: str = 'value') -> Wrong:
    return Wrong(f'{key}={value}', kind, (key, *words), options=(f'{key}={value}',))


DATA = 'train_dataloader.dataset'
SOURCE = f'{DATA}.sources.remote'
VERIFY = ('checkpoint', 'verify', '{folder}/r18.pth', '--against')

WRONG = [
    # Misspelt keys: below a type, in a plain dict, at top level.
    _misspelt('model.qeue', 'queue', '1', 'gersp.py'),
    _misspelt('model.backbone.dephts', 'depth', '18'),
    _misspelt('model.neck.width', 'widths', '[32,8]'),
    _misspelt('model.head.temprature', 'temperature', '0.2'),
    _misspelt('model.sup_head.num_clases', 'num_classes', '2'),
    _misspelt('optim_wrapper.clip_gard', 'clip_grad', '1'),
    _misspelt('optim_wrapper.optimizer.weight_decy', 'weight_decay', '0.1'),
    _misspelt('train_dataloader.batchsize', 'batch_size', '8'),
    _misspelt('train_dataloader.sampler.shufle', 'shuffle', 'True'),
    _misspelt(f'{SOURCE}.data_prefx', 'data_prefix', 'scenes'),
    _misspelt('train_cfg.max_epoch', 'max_epochs', '2'),
    _misspelt('default_hooks.checkpoint.intervall', 'interval', '1'),
    _misspelt('default_hooks.chekpoint.interval', 'checkpoint', '1')._replace(
        words=('default_hooks.chekpoint', "'checkpoint'")
    ),
    _misspelt('randomness.sed', 'seed', '1'),
    _misspelt('env_cfg.cudnn_benchmrk', 'cudnn_benchmark', 'True'),
    _misspelt('auto_scale_lr.base_batchsize', 'base_batch_size', '8'),
    Wrong(
        'misspelt key of a transform',
        'misspelt key',
        ('pipeline[1]', 'size', 'RandomCrop', 'wrong.py'),
        text="pipeline = [dict(type='LoadImageFromFile'), dict(type='RandomCrop', "
        "crop_sise=32), dict(type='PackInputs')]\n"
        'train_dataloader = dict(dataset=dict(pipeline=pipeline))\n',
        base='supervised.py',
    ),
    Wrong(
        'misspelt key of a schedule',
        'misspelt key',
        ('param_scheduler', "'eta_mn'", "'eta_min'", 'wrong.py'),
        text="param_scheduler = [dict(type='CosineAnnealingLR', T_max=2, eta_mn=0)]\n",
    ),
    Wrong(
        'misspelt top level',
        'misspelt key',
        ("'optim_wraper'", "'optim_wrapper'", 'wrong.py'),
        text='optim_wraper = dict(optimizer=dict(lr=1))\n',
    ),
    Wrong(
        'misspelt custom_hooks',
        'misspelt key',
        ("'custom_hoks'", "'custom_hooks'", 'wrong.py'),
        text="custom_hoks = [dict(type='EMAHook')]\n",
    ),
    _misspelt('max_epochs', 'train_cfg.max_epochs', '2')._replace(
        name='a key at the wrong level'
    ),
    # Types.
    _typed('optim_wrapper.optimizer.type', 'Adamm', "'Adam'"),
    _typed('model.type', 'rsp.GeRPS', "'rsp.GeRSP'"),
    _typed('model.backbone.type', 'ResNett', "'ResNet'"),
    _typed('model.neck.type', 'Projector', "'rsp.Projector'"),
    _typed(f'{SOURCE}.type', 'ImageFolder', "'rsp.ImageFolder'"),
    _typed('train_dataloader.sampler.type', 'PairedSampler', "'rsp.PairedSampler'"),
    _typed(
        'param_scheduler[0].type', 'CosineAnealingLR', "'CosineAnnealingLR'"
    )._replace(
        options=(), text="param_scheduler = [dict(type='CosineAnealingLR', T_max=2)]\n"
    ),
    _typed('custom_hooks[0]', 'EMAHok', "'EMAHook'")._replace(
        options=(), text="custom_hooks = [dict(type='EMAHok')]\n"
    ),
    _typed('model.backbone.type', 'mmdett.ResNet', "'mmdet'"),
    Wrong(
        'no type',
        'type',
        ('custom_hooks[0]', "'type'", 'wrong.py'),
        text='custom_hooks = [dict(interval=1)]\n',
    ),
    Wrong(
        'type of a transform',
        'type',
        ('pipeline[1]', "'RandomFlip'", 'wrong.py'),
        text="pipeline = [dict(type='LoadImageFromFile'), dict(type='RandomFlpi'), "
        "dict(type='PackInputs')]\n"
        'train_dataloader = dict(dataset=dict(pipeline=pipeline))\n',
        base='supervised.py',
    ),
    # Values of another type.
    _value('train_dataloader.batch_size', "'8'", "'8'")._replace(
        options=(), text="train_dataloader = dict(batch_size='8')\n"
    ),
    _value('train_dataloader.batch_size', '4.5', '4.5'),
    _value('optim_wrapper.optimizer.lr', 'abc', "'abc'"),
    _value('optim_wrapper.optimizer.lr', '-1', '-1'),
    _value('train_dataloader.num_workers', '-1', '-1'),
    _value('train_dataloader.num_workers', 'two', "'two'"),
    _value('train_cfg.max_epochs', '1.5', '1.5'),
    _value('train_cfg.max_epochs', 'ten', "'ten'"),
    _value('model.queue.length', 'long', "'long'")._replace(
        words=("'length' of the queue", "'long'")
    ),
    _value('model.backbone.depth', '19', '19'),
    _value('model', 'ResNet', "'ResNet'"),
    _value('train_dataloader', '8', '8'),
    # Ranges and contradictions.
    _value('model.head.temperature', '0', 'above 0', kind='range'),
    _value('model.head.temperature', '-1', 'above 0', kind='range'),
    _value('model.backbone.drop_path_rate', '2', 'at most 1', kind='range'),
    _value('train_cfg.max_epochs', '0', 'at least 1', kind='range'),
    _value('train_cfg.max_epochs', '-1', 'at least 1', kind='range'),
    _value('default_hooks.checkpoint.interval', '0', 'at least 1', kind='range'),
    _value('train_dataloader.batch_size', '0', 'at least 1', kind='range'),
    _value('train_dataloader.batch_size', '50', 'no step', kind='range'),
    _value('train_cfg.max_iters', '5', 'max_epochs', kind='contradiction'),
    # Keys that are needed.
    Wrong(
        'no train_dataloader',
        'missing key',
        ('train_dataloader', 'wrong.py'),
        text='train_dataloader = None\n',
    ),
    Wrong(
        'no optimizer',
        'missing key',
        ('optim_wrapper', 'wrong.py'),
        text='optim_wrapper = None\n',
    ),
    Wrong(
        'no optimizer in the wrapper',
        'missing key',
        ('optim_wrapper.optimizer', 'wrong.py'),
        text="optim_wrapper = dict(_delete_=True, type='OptimWrapper')\n",
    ),
    Wrong(
        'no length',
        'missing key',
        ('train_cfg.max_epochs', 'wrong.py'),
        text='train_cfg = dict(_delete_=True, by_epoch=True)\n',
    ),
    Wrong('no model', 'missing key', ('model', 'wrong.py'), text='model = None\n'),
    Wrong(
        'no dataset',
        'missing key',
        ('train_dataloader.dataset', 'wrong.py'),
        text='train_dataloader = dict(_delete_=True, batch_size=4)\n',
    ),
    Wrong(
        'no argument that a type needs',
        'missing key',
        ('model.neck', "'widths'", 'wrong.py'),
        text="model = dict(neck=dict(_delete_=True, type='rsp.Projector'))\n",
    ),
    # The file itself.
    Wrong(
        'syntax error',
        'config file',
        ('wrong.py', 'line 3'),
        text="a = 1\nmodel = dict(type='rsp.GeRSP'\n",
    ),
    Wrong(
        'unknown name',
        'config file',
        ('wrong.py', 'line 2', "'num_clases'"),
        text='num = num_clases\n',
    ),
    Wrong(
        'no such base',
        'config file',
        ('wrong.py', 'gersp.py', '_base_'),
        text="_base_ = 'gerps.py'\n",
    ),
    Wrong(
        'no such module',
        'config file',
        ('custom_imports', 'hooks_of_mine'),
        text="custom_imports = dict(imports=['hooks_of_mine'])\n",
    ),
    Wrong(
        'a module that imports what is not there',
        'config file',
        ('custom_imports', 'broken_module_of_mine', 'not_installed_here'),
        text='import sys\nsys.path.insert(0, "{folder}")\ndel sys\n'
        "custom_imports = dict(imports=['broken_module_of_mine'])\n",
    ),
    Wrong(
        'no such config',
        'config file',
        ('gersp/r51.py', 'configs/gersp/r50.py'),
        command=('train', 'gersp/r51.py'),
    ),
    # Data.
    _value(f'{SOURCE}.data_root', 'nowhere', 'nowhere', kind='data')._replace(
        words=(SOURCE, "'data_root'", 'nowhere')
    ),
    _value(f'{SOURCE}.data_prefix', 'empty', 'empty', kind='data')._replace(
        words=(SOURCE, "'data_prefix'", 'empty')
    ),
    Wrong(
        'no annotations',
        'data',
        ('ann_file', 'nowhere.txt'),
        base='supervised.py',
        options=(f'{DATA}.ann_file=nowhere.txt',),
    ),
    # Pipelines.
    Wrong(
        'nothing packs',
        'pipeline',
        (f'{DATA}.pipeline', 'PackInputs', 'wrong.py'),
        text="pipeline = [dict(type='LoadImageFromFile'), "
        "dict(type='RandomResizedCrop', scale=32)]\n"
        'train_dataloader = dict(dataset=dict(pipeline=pipeline))\n',
        base='supervised.py',
    ),
    Wrong(
        'packed twice',
        'pipeline',
        (f'{DATA}.pipeline[3]', 'PackInputs', 'wrong.py'),
        text="pipeline = [dict(type='LoadImageFromFile'), "
        "dict(type='RandomResizedCrop', scale=32), dict(type='PackInputs'), "
        "dict(type='PackInputs')]\n"
        'train_dataloader = dict(dataset=dict(pipeline=pipeline))\n',
        base='supervised.py',
    ),
    Wrong(
        'packed too early',
        'pipeline',
        (f'{DATA}.pipeline', 'PackInputs', 'wrong.py'),
        text="pipeline = [dict(type='LoadImageFromFile'), dict(type='PackInputs'), "
        "dict(type='RandomResizedCrop', scale=32)]\n"
        'train_dataloader = dict(dataset=dict(pipeline=pipeline))\n',
        base='supervised.py',
    ),
    Wrong(
        'nothing loads',
        'pipeline',
        (f'{DATA}.pipeline[0]', "'img'", 'LoadImageFromFile', 'wrong.py'),
        text="pipeline = [dict(type='RandomResizedCrop', scale=32), "
        "dict(type='PackInputs')]\n"
        'train_dataloader = dict(dataset=dict(pipeline=pipeline))\n',
        base='supervised.py',
    ),
    # Shapes.
    _value('model.sup_head.in_channels', '64', '32', kind='shape')._replace(
        words=("'in_channels' of the classification head", '64', '32')
    ),
    _value('model.queue.dim', '16', '8', kind='shape')._replace(
        words=("'dim' of the queue", "'widths'", '16', '8')
    ),
    Wrong(
        'head and backbone',
        'shape',
        ('model.head.in_channels', '64', '32'),
        options=('model.head.in_channels=64',),
        base='supervised.py',
    ),
    Wrong(
        'neck and backbone',
        'shape',
        ('model.neck', '2048', '32', 'wrong.py'),
        text="model = dict(neck=dict(_delete_=True, type='LinearNeck', "
        'in_channels=2048, out_channels=32))\n',
        base='supervised.py',
    ),
    Wrong(
        'fewer classes than the data',
        'shape',
        ('model.head.num_classes', '2'),
        options=('model.head.num_classes=1',),
        base='supervised.py',
    ),
    # Arguments.
    Wrong(
        'a misspelt override',
        'argument',
        ('model.dept', "'depth'"),
        options=('model.backbone.dept=18',),
    )._replace(words=('model.backbone.dept', "'depth'")),
    Wrong(
        'an override below a number',
        'argument',
        ('model.backbone.depth.x', '18'),
        options=('model.backbone.depth.x=1',),
    ),
    Wrong(
        'a work dir that is a file',
        'argument',
        ('gersp.py',),
        command=('train', '{config}', '--work-dir', '{config}'),
    ),
    Wrong(
        'no such checkpoint',
        'argument',
        ('nowhere.pth',),
        more=('--pretrained', '{folder}/nowhere.pth'),
    ),
    Wrong(
        'text for a checkpoint',
        'argument',
        ('text.pth',),
        more=('--pretrained', '{folder}/text.pth'),
    ),
    Wrong(
        'resume from nowhere',
        'argument',
        ('nowhere.pth',),
        more=('--resume', '{folder}/nowhere.pth'),
    ),
    Wrong(
        'no test',
        'argument',
        ('test_cfg', 'gersp.py'),
        command=('test', '{config}', 'random'),
    ),
    Wrong(
        'result of an unknown kind',
        'argument',
        ('--out', '.json'),
        command=('test', '{config}', 'random', '--out', 'result.txt'),
    ),
    *(
        Wrong(
            f'verify against {library}',
            'argument',
            ('resnet5', 'resnet50'),
            command=(*VERIFY, f'{library}:resnet5'),
        )
        for library in ('timm', 'torchvision', 'mmpretrain')
    ),
    Wrong(
        'verify against an unknown library',
        'argument',
        ('torchvison', 'torchvision'),
        command=(*VERIFY, 'torchvison:resnet50'),
    ),
    Wrong(
        'convert to an unknown library',
        'argument',
        ('--to', 'tim', "'timm'"),
        command=(
            'checkpoint',
            'convert',
            '{folder}/r18.pth',
            '{folder}/out.pth',
            '--to',
            'tim',
        ),
    ),
    Wrong(
        'prepare an unknown method',
        'argument',
        ('method', 'gerps', "'gersp'"),
        command=(
            'prepare',
            'scan',
            '{folder}/data/scenes',
            '--method',
            'gerps',
            '--out',
            '{folder}/scan',
            '--workers',
            '0',
        ),
    ),
    Wrong(
        'prepare no folder',
        'argument',
        ('nowhere',),
        command=('prepare', 'scan', '{folder}/nowhere', '--workers', '0'),
    ),
    Wrong(
        'split an unknown set',
        'argument',
        ('eurosatt', 'eurosat,'),
        command=('prepare', 'split', 'eurosatt', '--out', '{folder}/lists'),
    ),
    Wrong(
        'tiles of no size',
        'argument',
        ('crop size', '0'),
        command=(
            'prepare',
            'tile',
            '{folder}/data/scenes',
            '{folder}/tiles',
            '--crop-size',
            '0',
            '--workers',
            '0',
        ),
    ),
    *(
        Wrong(option, 'value', (option.partition('=')[0], word), (option,))
        for option, word in (
            ('default_hooks.checkpoint.max_keep_ckpts=0', 'at least 1, or -1'),
            ('default_hooks.checkpoint.interval=2.5', 'whole number'),
            ('model.backbone.frozen_stages=9', 'between -1 and 4'),
            ('model.backbone.norm_cfg.type=SynBN', "'SyncBN'"),
            ('optim_wrapper.clip_grad.max_nrom=1', "'max_norm'"),
            ('runner_type=PortableRunner', "'rsp.PortableRunner'"),
            ('randomness.seed=abc', 'whole number'),
            ('log_level=INFOO', "'INFO'"),
            ('sync_bn=tourch', "'torch'"),
        )
    ),
    *(
        Wrong(
            f'pipeline.{option}',
            'value',
            (option.partition('=')[0], word),
            (f'train_dataloader.dataset.pipeline.0.{option}',),
            base='supervised.py',
        )
        for option, word in (
            ('imdecode_backend=pilow', "'pillow'"),
            ('color_type=colour', "'color'"),
        )
    ),
    # Of the tasks and the methods: types, lengths, ranges and names that a library sees
    # in a constructor, in the first batch, at the end of a validation, or never.
    *(
        Wrong(
            f'{base}: {option}',
            'a part of a task',
            (option.partition('=')[0].rpartition('.')[2], *words),
            (option,),
            base=f'{base}.py',
        )
        for base, option, *words in (
            ('classification', 'val_evaluator.topk=abc', "'abc'"),
            ('classification', 'val_dataloader=8', 'dict(...)'),
            ('classification', 'val_dataloader.dataset.pipeline=[]', 'load'),
            ('classification', 'model.backbone.norm_eval=maybe', 'True or False'),
            ('classification', 'default_hooks.logger.type=5', 'name or a class'),
            ('classification', 'compile_backbone=maybe', 'True or False'),
            ('classification', 'model.backbone.stem_channels=-1', 'at least 1'),
            (
                'classification',
                'param_scheduler.0.start_factor=[]',
                'param_scheduler[0]',
            ),
            ('detection', 'val_evaluator.iou_thrs=abc', "'abc'"),
            ('detection', 'model.train_cfg.allowed_border=abc', "'abc'"),
            (
                'detection',
                'model.bbox_head.anchor_generator.strides=[8,16]',
                'model.bbox_head',
                '2 strides for 3 maps',
            ),
            (
                'detection',
                'model.bbox_head.bbox_coder.target_means=[0.0,0.0]',
                'target_means',
            ),
            ('detection', 'optim_wrapper.clip_grad.max_norm=[]', '[]'),
            ('detection', 'model.test_cfg.min_bbox_size=abc', "'abc'"),
            ('detection', 'visualizer.score_thr=abc', "'abc'"),
            ('detection', 'model.bbox_head.anchor_generator.ratios=[]', 'at least one'),
            # What a library reads by name, and does without where it is not there.
            ('detection', 'model.test_cfg.score_thrs=0.9', "'score_thr'"),
            ('segmentation', 'model.test_cfg.crop_sise=[32,32]', "'crop_size'"),
            ('segmentation', f'{DATA}.metainfo.palete=[]', "'palette'"),
            ('segmentation', f'{DATA}.metainfo.CLASSES=[a]', "'classes'"),
            ('segmentation', f'{DATA}.metainfo.palette=[[0,0,0]]', 'a color for each'),
            ('segmentation', f'{DATA}.metainfo.palette=[[0,0,256]]', '0 to 255'),
            ('segmentation', f'{DATA}.pipeline.2.ratio_range=[0.5]', 'RandomResize'),
            ('segmentation', 'val_evaluator.iou_metrics=[mIoUU]', "'mIoU'"),
            ('segmentation', 'model.decode_head.in_index=[0,1,2,7]', '7'),
            ('segmentation', 'model.auxiliary_head.in_index=9', '9'),
            (
                'segmentation',
                'model.decode_head.loss_decode.class_weight=[1.0,2.0,3.0]',
                '2.0',
            ),
            (
                'segmentation',
                'model.decode_head.loss_decode.loss_weight=-1',
                'at least 0',
            ),
            (
                'segmentation',
                f'{DATA}.data_prefix.seg_map_pth=ann_dir/train',
                "'seg_map_path'",
            ),
            ('change_detection', 'model.decode_head.tokens=0', 'at least 1'),
            (
                'change_detection',
                f'{DATA}.data_prefix.img_pth2=train/B',
                "'img_path2'",
            ),
        )
    ),
    _value('log_processor.mean_pattern', '5', '5'),
    _misspelt('env_cfg.mp_cfg.mp_start_metod', 'mp_start_method', 'fork'),
    _value('param_scheduler.1.T_max', '-1', 'at least 1')._replace(
        options=(),
        words=('param_scheduler[0].T_max', 'at least 1'),
        text="param_scheduler = [dict(type='CosineAnnealingLR', T_max=-1)]\n",
    ),
    _value('train_cfg.by_epoch', 'maybe', 'True or False'),
    _value('auto_scale_lr.base_batch_size', 'abc', "'abc'"),
    _value('train_dataloader.persistent_workers', 'maybe', 'True or False'),
    _value(f'{SOURCE}.pipeline', '[]', 'load'),
    _value(f'{SOURCE}.pipeline.0.transforms.0.0.scale', '-1', 'at least 1')._replace(
        words=(SOURCE, 'pipeline[0]', "'scale' of RandomResizedCrop", 'at least 1')
    ),
]
