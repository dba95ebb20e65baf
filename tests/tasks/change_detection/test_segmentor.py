"""Two dates, one backbone."""

import copy

import pytest
import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from torch.testing import assert_close

from rsp import checkpoints
from rsp.tasks.change_detection.stages import freeze_unused_stages

UNET = dict(
    type='rsp.DifferenceUNetHead', in_channels=[8, 16, 32, 64], widths=[4, 6, 8, 10]
)


@pytest.fixture
def bit_resnet(build, small_resnet, small_bit):
    return build(small_resnet | dict(out_indices=(2,)), small_bit)


@pytest.fixture
def bit_swin(build, small_swin, small_bit):
    return build(small_swin | dict(out_indices=(2, 3)), small_bit)


@pytest.fixture
def unet(build, small_resnet):
    return build(small_resnet | dict(out_indices=(0, 1, 2, 3)), UNET)


@pytest.fixture(params=['bit_resnet', 'bit_swin', 'unet'])
def model(request):
    return request.getfixturevalue(request.param)


def batch(height=64, width=64, pairs=2):
    """Draw a batch as loaders give it: random pairs, half of whose pixels changed."""
    samples = []
    for number in range(pairs):
        truth = (torch.rand(1, height, width) < 0.5).long()
        sample = SegDataSample(gt_sem_seg=PixelData(data=truth))
        sample.set_metainfo(
            dict(
                ori_shape=(height, width),
                img_shape=(height, width),
                img_path=f'{number}.png',
            )
        )
        samples.append(sample)
    images = torch.randint(256, (pairs, 6, height, width), dtype=torch.uint8)
    return dict(inputs=list(images), data_samples=samples)


def count_passes(module):
    seen = []
    module.register_forward_hook(lambda m, args, out: seen.append(len(args[0])))
    return seen


def test_in_evaluation_the_dates_pass_as_one_batch_to_the_same_end(model):
    model.eval()
    images = 50 * torch.rand(3, 6, 64, 64)
    passes = count_passes(model.backbone)
    first, second = model.extract_feat(images)
    assert passes == [6]
    for maps, date in ((first, images[:, :3]), (second, images[:, 3:])):
        assert_close(maps, model.backbone(date), rtol=1e-4, atol=1e-5)


def test_in_training_batch_norm_sees_one_date_after_the_other(bit_resnet):
    reference = copy.deepcopy(bit_resnet.train().backbone)
    images = 50 * torch.rand(3, 6, 64, 64)
    passes = count_passes(bit_resnet.backbone)
    first, second = bit_resnet.extract_feat(images)
    assert passes == [3, 3]
    assert_close(first, reference(images[:, :3]))
    assert_close(second, reference(images[:, 3:]))
    assert_close(bit_resnet.backbone.state_dict(), reference.state_dict())


def test_frozen_batch_norm_and_layer_norm_take_both_at_once(
    bit_swin, build, small_resnet, small_bit
):
    frozen = dict(out_indices=(2,), norm_eval=True)
    for model in (bit_swin, build(small_resnet | frozen, small_bit)):
        passes = count_passes(model.train().backbone)
        model.extract_feat(torch.rand(3, 6, 64, 64))
        assert passes == [6]


def test_the_head_reads_the_third_stage(bit_resnet, bit_swin):
    for model in (bit_resnet, bit_swin):
        (first, _) = model.eval().extract_feat(torch.rand(1, 6, 96, 64))
        assert [maps.shape for maps in first] == [(1, 32, 6, 4)]


def test_the_fourth_stage_rests(bit_resnet, bit_swin):
    """No gradient; nor does it run, so nor do its statistics move."""
    for model, late in (
        (bit_resnet, ('layer4.',)),
        (bit_swin, ('stages.3.', 'norm3.', 'stages.2.downsample.')),
    ):
        model.train()
        before = copy.deepcopy(model.backbone.state_dict())
        batch_ = model.data_preprocessor(batch(), training=True)
        sum(v for k, v in model.loss(**batch_).items() if 'loss' in k).backward()
        names = [n for n, p in model.backbone.named_parameters() if n.startswith(late)]
        assert names
        for name, parameter in model.backbone.named_parameters():
            assert parameter.requires_grad is (name not in names)
            assert (parameter.grad is None) is (name in names), name
        for name, tensor in model.backbone.state_dict().items():
            if name.startswith(late):
                assert torch.equal(tensor, before[name])


def test_every_parameter_that_trains_gets_a_gradient(model):
    """DistributedDataParallel waits for them all."""
    inputs = model.train().data_preprocessor(batch(), training=True)
    losses = model.loss(**inputs)
    sum(value for key, value in losses.items() if 'loss' in key).backward()
    still = [
        n for n, p in model.named_parameters() if p.requires_grad and p.grad is None
    ]
    assert still == []


def test_a_pretrained_file_loads_whole_though_a_stage_rests(
    bit_resnet, bit_swin, small_resnet, small_swin, tmp_path
):
    from mmpretrain.registry import MODELS

    for model, backbone in ((bit_resnet, small_resnet), (bit_swin, small_swin)):
        source = MODELS.build(backbone)
        state = {f'backbone.{n}': t for n, t in source.state_dict().items()}
        torch.save(dict(state_dict=state), tmp_path / 'pretrained.pth')
        report = checkpoints.load_pretrained(
            model.backbone, tmp_path / 'pretrained.pth'
        )
        assert report.complete
        assert report.percent == 100
        assert len(report.loaded) == len(state)
        # A frozen stage is not lost when the fine-tuned model is saved.
        assert {f'backbone.{n}' for n in model.backbone.state_dict()} >= set(state)


def test_a_backbone_all_of_whose_maps_are_read_stays_as_it_is(small_resnet):
    from mmpretrain.registry import MODELS

    for read in ([0, 1], [-1]):
        backbone = MODELS.build(small_resnet | dict(out_indices=(0, 3)))
        assert freeze_unused_stages(backbone, read) == []
        assert len(backbone(torch.rand(1, 3, 64, 64))) == 2
        assert all(p.requires_grad for p in backbone.parameters())


def test_the_loss_is_the_mean_cross_entropy_of_the_pixels_that_count(model):
    inputs = model.eval().data_preprocessor(batch(), training=True)
    truth = torch.stack([s.gt_sem_seg.data[0] for s in inputs['data_samples']])
    truth[:, :10] = 255
    for sample, mask in zip(inputs['data_samples'], truth, strict=True):
        sample.gt_sem_seg.data = mask[None]
    losses = model.loss(**inputs)
    logits = model(inputs['inputs'], mode='tensor')
    logits = torch.nn.functional.interpolate(
        logits, size=(64, 64), mode='bilinear', align_corners=model.align_corners
    )
    chances = logits.softmax(dim=1).permute(0, 2, 3, 1)[truth < 255]
    right = chances.gather(1, truth[truth < 255][:, None])
    assert_close(losses['decode.loss_ce'], -right.log().mean(), rtol=1e-4, atol=1e-5)


def test_swapping_the_dates_swaps_nothing_else(model):
    """From the images on."""
    model.eval()
    if hasattr(model.decode_head, 'positions'):
        with torch.no_grad():
            first, second = model.decode_head.positions.chunk(2, dim=1)
            second.copy_(first)
    images = 100 * torch.rand(2, 6, 64, 64)
    swapped = torch.cat(images.chunk(2, dim=1)[::-1], dim=1)
    logits = model(images, mode='tensor')
    assert_close(model(swapped, mode='tensor'), logits, rtol=1e-4, atol=1e-5)
    # Not because the logits ignore the images.
    other = model(torch.cat([images[:, :3]] * 2, dim=1), mode='tensor')
    assert (other - logits).abs().max() > 1e-3


def test_predictions_have_the_size_of_any_image(model):
    data = model.eval().data_preprocessor(batch(52, 71, pairs=1), training=False)
    assert data['inputs'].shape[2:] == (64, 96)
    with torch.no_grad():
        (sample,) = model(**data, mode='predict')
    assert sample.pred_sem_seg.data.shape == (1, 52, 71)
    assert set(sample.pred_sem_seg.data.unique().tolist()) <= {0, 1}
    assert_close(sample.seg_logits.data.argmax(0), sample.pred_sem_seg.data[0])


def test_large_pairs_are_predicted_in_windows(bit_resnet):
    bit_resnet.test_cfg.update(mode='slide', crop_size=(64, 64), stride=(64, 64))
    data = bit_resnet.eval().data_preprocessor(batch(128, 64, pairs=1))
    with torch.no_grad():
        (whole,) = bit_resnet(**data, mode='predict')
        top = bit_resnet(data['inputs'][:, :, :64], mode='tensor')[0]
    assert_close(whole.seg_logits.data[:, :64], top, rtol=1e-4, atol=1e-5)


def test_one_date_is_refused(bit_resnet):
    with pytest.raises(
        ValueError, match=r'two dates of 3 .* rsp.LoadChangePair, got 3'
    ):
        bit_resnet.extract_feat(torch.rand(2, 3, 64, 64))


def test_both_dates_are_normalized_alike():
    from mmseg.registry import MODELS

    mean, std = [10.0, 20.0, 30.0], [2.0, 4.0, 5.0]
    preprocessor = MODELS.build(
        dict(type='rsp.PairDataPreprocessor', mean=mean, std=std)
    )
    image = torch.tensor([12, 24, 35, 8, 16, 25], dtype=torch.uint8).view(6, 1, 1)
    out = preprocessor(dict(inputs=[image]))['inputs']
    assert out.flatten().tolist() == [1, 1, 1, -1, -1, -1]
    plain = MODELS.build(dict(type='rsp.PairDataPreprocessor'))
    assert torch.equal(plain(dict(inputs=[image]))['inputs'][0], image.float())


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(bgr_to_rgb=True), 'bgr_to_rgb: pairs are loaded as red'),
        (dict(mean=[1, 2, 3]), "as many numbers in 'mean' as in 'std'"),
        (dict(mean=[1.0] * 3, std=[2.0]), "as many numbers in 'mean' as in 'std'"),
    ],
)
def test_a_preprocessor_that_would_do_something_else_is_refused(arguments, message):
    from rsp.tasks.change_detection import PairDataPreprocessor

    with pytest.raises(ValueError, match=message):
        PairDataPreprocessor(**arguments)


def test_a_unet_of_unequal_lists_is_refused(build, small_resnet):
    with pytest.raises(ValueError, match='as many in_channels as widths'):
        build(small_resnet, UNET | dict(widths=[4, 6, 8]))


def ddp_step(seed):
    """One rank: two steps of the wrapped model; the gradient of its first weight."""
    from mmengine.registry import init_default_scope
    from mmseg.registry import MODELS
    from torch.nn.parallel import DistributedDataParallel

    import rsp.tasks.change_detection  # noqa: F401

    init_default_scope('mmseg')
    torch.manual_seed(0)
    model = MODELS.build(
        dict(
            type='rsp.SiameseEncoderDecoder',
            backbone=dict(
                type='mmpretrain.ResNet',
                depth=18,
                base_channels=8,
                stem_channels=8,
                out_indices=(2,),
            ),
            decode_head=dict(
                type='rsp.BITHead', in_channels=32, in_index=0, decoder_depth=1
            ),
            data_preprocessor=dict(type='rsp.PairDataPreprocessor', size_divisor=32),
            test_cfg=dict(mode='whole'),
        )
    )
    wrapped = DistributedDataParallel(model, broadcast_buffers=False)
    torch.manual_seed(seed + torch.distributed.get_rank())
    for _ in range(2):
        inputs = model.data_preprocessor(batch(), training=True)
        losses = wrapped(**inputs, mode='loss')
        losses['decode.loss_ce'].backward()
    return model.backbone.conv1.weight.grad.numpy()


@pytest.mark.dist
def test_two_ranks_need_not_look_for_unused_parameters(gloo):
    """The second step would raise if the first had left one without gradient."""
    first, second = gloo(ddp_step, 5)
    assert abs(first).max() > 0
    assert (first == second).all()
