"""Small models of all methods, as their recipes build them."""

from typing import Any

WIDTH = 8  # of the first stage of a ResNet-18: an eighth of the real one
SIDE = 32
PREPROCESSOR = dict(
    type='SelfSupDataPreprocessor',
    mean=[123.675, 116.28, 103.53],
    std=[58.395, 57.12, 57.375],
    to_rgb=True,
)
CONTRAST = dict(
    type='ContrastiveHead', loss=dict(type='CrossEntropyLoss'), temperature=0.2
)


def backbone(width: int = WIDTH, **options: Any) -> dict:
    return dict(
        type='ResNet', depth=18, stem_channels=width, base_channels=width
    ) | dict(options)


def mlp(width_in: int, hidden: int, out: int, layers: int = 2, **options: Any) -> dict:
    return dict(
        type='NonLinearNeck',
        in_channels=width_in,
        hid_channels=hidden,
        out_channels=out,
        num_layers=layers,
    ) | dict(options)


def moco(width: int = WIDTH, **options: Any) -> dict:
    neck = dict(
        type='MoCoV2Neck',
        in_channels=8 * width,
        hid_channels=128,
        out_channels=64,
        with_avg_pool=True,
    )
    return dict(
        type='MoCo',
        queue_len=512,
        feat_dim=64,
        momentum=0.01,
        backbone=backbone(width),
        neck=neck,
        head=CONTRAST,
        data_preprocessor=PREPROCESSOR,
    ) | dict(options)


def densecl(**options: Any) -> dict:
    neck = dict(
        type='DenseCLNeck',
        in_channels=8 * WIDTH,
        hid_channels=128,
        out_channels=64,
        num_grid=None,
    )
    return moco(**dict(type='DenseCL', neck=neck, loss_lambda=0.5) | options)


def mocov3(**options: Any) -> dict:
    neck = mlp(128, 256, 64, 3, with_bias=False, with_last_bn_affine=False)
    return dict(
        type='MoCoV3',
        base_momentum=0.01,
        backbone=dict(
            type='MoCoV3ViT',
            arch=dict(
                embed_dims=128, num_layers=4, num_heads=4, feedforward_channels=256
            ),
            img_size=SIDE,
            patch_size=8,
            stop_grad_conv1=True,
        ),
        neck=dict(neck, with_last_bias=False, with_avg_pool=False),
        head=dict(
            type='MoCoV3Head',
            predictor=mlp(64, 128, 64, 2, with_avg_pool=False, with_last_bn=False),
            loss=dict(type='CrossEntropyLoss', loss_weight=0.4),
            temperature=0.2,
        ),
        data_preprocessor=PREPROCESSOR,
    ) | dict(options)


def simclr(width: int = WIDTH, **options: Any) -> dict:
    return dict(
        type='SimCLR',
        backbone=backbone(width),
        neck=mlp(8 * width, 128, 64, with_avg_pool=True),
        head=CONTRAST,
        data_preprocessor=PREPROCESSOR,
    ) | dict(options)


def byol(**options: Any) -> dict:
    last = dict(with_bias=True, with_last_bn=False)
    return dict(
        type='BYOL',
        base_momentum=0.01,
        backbone=backbone(),
        neck=mlp(8 * WIDTH, 256, 64, with_avg_pool=True, **last),
        head=dict(
            type='LatentPredictHead',
            loss=dict(type='CosineSimilarityLoss'),
            predictor=mlp(64, 256, 64, with_avg_pool=False, **last),
        ),
        data_preprocessor=PREPROCESSOR,
    ) | dict(options)


def simsiam(**options: Any) -> dict:
    neck = mlp(8 * WIDTH, 128, 128, 3, with_last_bn_affine=False, with_avg_pool=True)
    last = dict(with_last_bn=False, with_last_bias=True)
    return dict(
        type='SimSiam',
        backbone=backbone(),
        neck=neck,
        head=dict(
            type='LatentPredictHead',
            loss=dict(type='CosineSimilarityLoss'),
            predictor=mlp(128, 32, 128, with_avg_pool=False, **last),
        ),
        data_preprocessor=PREPROCESSOR,
    ) | dict(options)


def barlow_twins(**options: Any) -> dict:
    last = dict(with_last_bn=False, with_last_bn_affine=False)
    return dict(
        type='BarlowTwins',
        backbone=backbone(),
        neck=mlp(8 * WIDTH, 256, 256, 3, with_avg_pool=True, **last),
        head=dict(
            type='LatentCrossCorrelationHead',
            in_channels=256,
            loss=dict(type='CrossCorrelationLoss'),
        ),
        data_preprocessor=PREPROCESSOR,
    ) | dict(options)


def swav(**options: Any) -> dict:
    return dict(
        type='SwAV',
        backbone=backbone(),
        neck=dict(
            type='SwAVNeck',
            in_channels=8 * WIDTH,
            hid_channels=128,
            out_channels=64,
            norm_cfg=dict(type='BN1d'),
            with_avg_pool=True,
        ),
        head=dict(
            type='SwAVHead',
            loss=dict(
                type='SwAVLoss',
                feat_dim=64,
                epsilon=0.05,
                temperature=0.1,
                num_crops=[2, 0],
                num_prototypes=100,
            ),
        ),
        data_preprocessor=PREPROCESSOR,
    ) | dict(options)


def mae(mask_ratio: float = 0.75, **options: Any) -> dict:
    return dict(
        type='MAE',
        backbone=dict(
            type='MAEViT',
            arch=dict(
                embed_dims=128, num_layers=4, num_heads=4, feedforward_channels=256
            ),
            img_size=SIDE,
            patch_size=4,
            mask_ratio=mask_ratio,
        ),
        neck=dict(
            type='MAEPretrainDecoder',
            num_patches=64,
            patch_size=4,
            embed_dim=128,
            decoder_embed_dim=64,
            decoder_depth=2,
            decoder_num_heads=4,
        ),
        head=dict(
            type='MAEPretrainHead',
            norm_pix=True,
            patch_size=4,
            loss=dict(type='PixelReconstructionLoss', criterion='L2'),
        ),
        data_preprocessor=PREPROCESSOR,
    ) | dict(options)


def gersp(width: int = WIDTH, classes: int = 10, **options: Any) -> dict:
    size = 8 * width
    return dict(
        type='rsp.GeRSP',
        backbone=backbone(width),
        neck=dict(type='rsp.Projector', widths=[size, 128, 64]),
        head=CONTRAST,
        sup_head=dict(
            type='rsp.ClassificationHead', num_classes=classes, in_channels=size
        ),
        queue=dict(dim=64, length=512),
        teacher=dict(momentum=0.01),
        data_preprocessor=PREPROCESSOR | dict(type='rsp.PairedDataPreprocessor'),
    ) | dict(options)


def cmid(width: int = WIDTH, **options: Any) -> dict:
    size = 8 * width
    return dict(
        type='rsp.CMID',
        backbone=backbone(width, type='rsp.MaskedResNet', strides=(1, 2, 2, 1)),
        reconstruction=dict(
            type='rsp.ReconstructionHead',
            decoder=dict(
                type='SimMIMLinearDecoder', in_channels=size, encoder_stride=16
            ),
            frequency=dict(type='rsp.FocalFrequencyLoss', over_processes=True),
        ),
        neck=dict(type='rsp.Projector', widths=[size, 128, 64]),
        head=CONTRAST,
        queue=dict(dim=64, length=1024),
        local_neck=dict(
            type='rsp.PrototypeNeck',
            in_channels=size,
            hidden_channels=128,
            out_channels=64,
            num_prototypes=128,
        ),
        local_head=dict(type='rsp.SelfDistillationHead', num_prototypes=128),
        num_matches=4,
        loss_weights=dict(loss_spatial=10.0, loss_frequency=10.0),
        teacher=dict(momentum=0.02),
        data_preprocessor=PREPROCESSOR,
    ) | dict(options)


def geokr(width: int = WIDTH, classes: int = 10, **options: Any) -> dict:
    return dict(
        type='rsp.GeoKR',
        backbone=backbone(width),
        classifier=dict(type='rsp.Projector', widths=[8 * width, classes]),
        head=dict(type='rsp.LandCoverHead', num_classes=classes),
        teacher=dict(momentum=0.02),
        data_preprocessor=PREPROCESSOR,
    ) | dict(options)
