# GeoKR, ResNet-18, 64 pixels, on a folder of scenes with a label file: minutes on two
# CPU cores, and no download. For a first look and for tests of the whole chain, not for
# weights.
#
# Source: our own recipe.
# Expected number: none measured yet.
# Cost: 20 epochs of the labeled windows; a step of 16 takes 0.15 s of one CPU core.
# Data: scenes below data/scenes, a land-cover map below data/landcover, and
#   python tools/dataset_tools/make_land_cover_labels.py data/scenes data/landcover \
#       data/scenes_land_cover --crop-size 64 --stride 32
# Command:
#   python tools/train.py configs/geokr/r18_cpu.py
#   bash tools/dist_train.sh configs/geokr/r18_cpu.py 2
#
# The first three bands in their order, `train_dataloader.dataset.bands` chooses others:
# [4,3,2] are Sentinel-2's red, green and blue.
_base_ = './geokr_resnet50_1xb8-adam-steplr-10e_levir-kr.py'

checkpoint = None
model = dict(
    # Half the width, for time.
    backbone=dict(depth=18, stem_channels=32, base_channels=32),
    classifier=dict(widths=[256, 8]),
    # The teacher of a run of hundreds of steps cannot wait for thousands of images.
    teacher=dict(momentum=0.02),
)
view = [
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='RandomFlip', prob=0.5, direction='vertical'),
    dict(type='rsp.RandomRotate90', prob=0.5),
    # Weaker than published: at this resolution color is most of what tells a forest
    # from a lake.
    dict(
        type='rsp.ColorJitter',
        brightness=[0.9, 1.1],
        contrast=[0.9, 1.1],
        saturation=[0.9, 1.1],
        hue=[-0.02, 0.02],
    ),
    dict(type='Resize', scale=(64, 64), interpolation='bilinear'),
]
pipeline = [dict(type='rsp.SingleView', transforms=view), dict(type='PackInputs')]
train_dataloader = dict(
    batch_size=16,
    num_workers=1,
    dataset=dict(
        _delete_=True,
        type='rsp.SceneDataset',
        data_root='data/scenes',
        bands=[1, 2, 3],
        windows=dict(
            type='rsp.LabeledWindowSampler',
            file='data/scenes_land_cover/labels.jsonl',
        ),
        classes=_base_.classes,
        pipeline=pipeline,
    ),
)
train_cfg = dict(max_epochs=20)
auto_scale_lr = dict(base_batch_size=16)

# After every step.
custom_hooks = [*_base_.custom_hooks[:-1], dict(type='rsp.TeacherHook')]
default_hooks = dict(
    logger=dict(interval=5),
    checkpoint=dict(interval=10, max_keep_ckpts=1),
)
