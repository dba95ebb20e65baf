"""Views on the device: those of the recipe, from seeds that travel with the images."""

import cv2
import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset

from rsp.datasets.collate import stacked_collate
from rsp.datasets.seeding import item_seed
from rsp.errors import UserError
from rsp.models.modules import DeviceViews, PairedDataPreprocessor
from rsp.ops.views import seeded_uniforms
from rsp.ops.views.kernels.frames import Frame, boxes_in_frames
from rsp.ops.views.parse import parse_view
from rsp.ops.views.resizing import resize
from rsp.registry import TRANSFORMS

CROP = dict(type='RandomResizedCrop', scale=(32, 24), crop_ratio_range=(0.2, 1.0))
FLIP = dict(type='RandomFlip', prob=0.5)
JITTER = dict(
    type='rsp.ColorJitter', brightness=0.4, contrast=0.4, saturation=0.4, hue=0.4
)
GRAY = dict(
    type='RandomGrayscale',
    prob=0.2,
    keep_channels=True,
    channel_weights=(0.114, 0.587, 0.2989),
)
VIEW = [CROP, GRAY, JITTER, FLIP]
STATISTICS = dict(
    mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True
)


def scene(number, bands=3):
    rng = np.random.default_rng(number)
    height, width = 60 + 3 * number, 90 - 4 * number
    coarse = rng.integers(20, 236, (6, 9, bands), np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)


def item(number, image=None, **extra):
    """Pack an image as a data set does, seeded by its number."""
    pack = TRANSFORMS.build(dict(type='rsp.PackForDevice'))
    image = scene(number) if image is None else image
    with item_seed(100 + number):
        return pack(dict(img=image, img_path=f'{number}.jpg', **extra))


def batch_of(count=4):
    return stacked_collate([item(number) for number in range(count)])


def expected_view(number, image, view, steps=VIEW, **settings):
    """Make a view by the path of single images, then normalize it."""
    with item_seed(100 + number):
        seed = np.random.randint(2**32, size=1, dtype=np.uint32)
    recipe = parse_view(steps).recipe
    drawn = recipe.draw(seed, np.array([image.shape[:2]]), view=view)
    made = recipe.apply(image, drawn.geometry[0], drawn.colors[0])
    made = made[..., ::-1].astype(np.float64)
    mean, std = np.array(STATISTICS['mean']), np.array(STATISTICS['std'])
    return torch.from_numpy((made - mean) / std).permute(2, 0, 1)


def test_views_are_those_of_single_images_within_rounding():
    batch = batch_of()
    views = DeviceViews([VIEW], 2, **STATISTICS)(batch, training=True)['inputs']
    assert [view.shape for view in views] == [(4, 3, 32, 24)] * 2
    for number in range(4):
        for view in range(2):
            expected = expected_view(number, scene(number), view)
            errors = (views[view][number] - expected).abs() * 57  # levels of 255
            assert errors.mean() < 0.8
            assert errors.flatten().quantile(0.99) < 3


def test_kinds_of_views_keep_their_order_and_numbers():
    plain = [CROP, FLIP]
    module = DeviceViews([plain, VIEW], [1, 2], **STATISTICS)
    views = module(batch_of(), training=True)['inputs']
    assert len(views) == 3
    for view, steps in enumerate((plain, VIEW, VIEW)):
        expected = expected_view(2, scene(2), view, steps)
        assert ((views[view][2] - expected).abs() * 57).mean() < 0.8


def test_one_view_is_a_tensor_and_labels_stay():
    items = [item(number, gt_score=np.eye(4)[number]) for number in range(3)]
    module = DeviceViews([VIEW], 1, **STATISTICS)
    made = module(stacked_collate(items), training=True)
    assert made['inputs'].shape == (3, 3, 32, 24)
    assert torch.equal(made['data_samples'].gt_score, torch.eye(4)[:3])
    assert made['data_samples'].img_path == ['0.jpg', '1.jpg', '2.jpg']


def test_views_depend_on_an_item_alone_and_never_on_its_batch():
    module = DeviceViews([VIEW], 2, **STATISTICS)
    together = module(batch_of(), training=True)['inputs']
    alone = module(stacked_collate([item(2)]), training=True)['inputs']
    for view in range(2):
        torch.testing.assert_close(together[view][2:3], alone[view])
    again = module(batch_of(), training=True)['inputs']
    assert all(torch.equal(a, b) for a, b in zip(together, again, strict=True))


@pytest.mark.parametrize('layout', ['contiguous', 'channels_last'])
@pytest.mark.parametrize('precision', ['float32', 'float16', 'bfloat16'])
def test_precision_and_layout_change_rounding_alone(layout, precision):
    exact = DeviceViews([VIEW], 1, **STATISTICS)(batch_of(), training=True)['inputs']
    module = DeviceViews(
        [VIEW], 1, precision=precision, memory_format=layout, **STATISTICS
    )
    views = module(batch_of(), training=True)['inputs']
    assert views.dtype == torch.float32
    assert views.is_contiguous(memory_format=getattr(torch, f'{layout}_format', None)
                               or torch.channels_last)  # fmt: skip
    levels = dict(float32=1e-3, float16=0.5, bfloat16=4.0)[precision]
    assert ((views - exact).abs() * 57).mean() < levels


class Scenes(Dataset):
    def __len__(self):
        return 8

    def __getitem__(self, number):
        return item(number)


@pytest.mark.slow
def test_the_number_of_workers_changes_no_bit():
    module = DeviceViews([VIEW], 2, **STATISTICS)
    runs = []
    for workers in (0, 2):
        loader = DataLoader(
            Scenes(), batch_size=4, num_workers=workers, collate_fn=stacked_collate
        )
        runs.append([module(batch, training=True)['inputs'] for batch in loader])
    for one, other in zip(*runs, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_images_of_other_sizes_are_padded_once():
    batch = batch_of(3)
    assert batch['inputs'].shape == (3, 3, 66, 90)
    assert batch['inputs'].dtype == torch.uint8
    for number, image in enumerate(batch['inputs']):
        own = torch.from_numpy(scene(number)).permute(2, 0, 1)
        height, width = own.shape[1:]
        assert torch.equal(image[:, :height, :width], own)
        assert not image[:, height:].any()
        assert not image[:, :, width:].any()


def test_a_reduced_part_gives_nearly_the_view_of_the_whole():
    image = cv2.resize(scene(0), (360, 240), interpolation=cv2.INTER_CUBIC)
    half = cv2.resize(image, (180, 120), interpolation=cv2.INTER_AREA)
    row = np.array([[31, 50, 141, 203]])
    frame = Frame(7, 240, 360, 2, 10, 20, 100, 130)
    part = half[10:110, 20:150]
    box = boxes_in_frames(row, np.array([frame]))[0].astype(int)
    assert box.tolist() == [6, 5, 70, 101]
    top, left, height, width = box
    whole = image[32:172, 50:252]
    ours = part[top : top + height, left : left + width]
    small = cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA)
    assert np.abs(ours.astype(int) - small).max() <= 1


def test_boxes_beside_what_was_sent_are_refused():
    frame = np.array([Frame(7, 60, 90, 1, 10, 20, 30, 40)])
    for box in ((9, 20, 5, 5), (10, 19, 5, 5), (10, 20, 31, 5), (10, 20, 5, 41)):
        with pytest.raises(UserError, match=r'of rsp\.LoadForDevice and of the data'):
            boxes_in_frames(np.array([box], float), frame)


def windows(bands=13, dtype=np.float32):
    rng = np.random.default_rng(5)
    return [rng.normal(0.3, 0.2, (40, 36, bands)).astype(dtype) for _ in range(3)]


BAND_VIEW = [
    dict(type='RandomResizedCrop', scale=(16, 12), crop_ratio_range=(0.2, 1.0)),
    dict(type='rsp.ColorJitter', brightness=0.4, contrast=0.4),
    dict(type='rsp.RandomGrayscale', prob=0.2),
    dict(type='rsp.RandomSolarize', threshold=0.5, prob=0.5),
]


def test_the_unit_of_floats_changes_nothing():
    limits = np.stack([np.linspace(-0.2, 0.1, 13), np.linspace(0.8, 1.2, 13)], axis=1)
    mean, std = np.linspace(0.1, 0.4, 13), np.linspace(0.1, 0.2, 13)
    results = []
    for scale, offset in ((1.0, 0.0), (8.0, -3.0)):
        items = [
            item(n, scale * image + offset, value_range=scale * limits + offset)
            for n, image in enumerate(windows())
        ]
        module = DeviceViews(
            [BAND_VIEW], 2, (scale * mean + offset).tolist(), (scale * std).tolist()
        )
        results.append(module(stacked_collate(items), training=True)['inputs'])
    for one, other in zip(*results, strict=True):
        assert one.shape == (3, 13, 16, 12)
        torch.testing.assert_close(one, other, atol=1e-4, rtol=0)


def test_floats_are_not_cut_at_black_and_white():
    bright = [np.full((20, 24, 4), 2.5, np.float32)]
    items = [item(0, bright[0], value_range=(0.0, 1.0))]
    crop = [dict(type='RandomResizedCrop', scale=8)]
    view = DeviceViews([crop], 1, [0.5] * 4, [2.0] * 4)(
        stacked_collate(items), training=True
    )
    torch.testing.assert_close(view['inputs'], torch.ones(1, 4, 8, 8))


def test_floats_of_unknown_range_are_refused_where_it_matters():
    items = [item(n, image) for n, image in enumerate(windows())]
    batch = stacked_collate(items)
    module = DeviceViews([BAND_VIEW], 2, [0.3] * 13, [0.2] * 13)
    with pytest.raises(UserError, match=r'13 bands of torch\.float32'):
        module(batch, training=True)
    crop = DeviceViews([BAND_VIEW[:1]], 1, [0.3] * 13, [0.2] * 13)
    assert crop(batch, training=True)['inputs'].shape == (3, 13, 16, 12)


def test_hue_of_other_than_colors_is_refused_when_it_is_built():
    with pytest.raises(UserError, match='saturation'):
        DeviceViews([[CROP, JITTER]], 2, [0.3] * 13, [0.2] * 13)


SQUARE = [
    dict(type='RandomResizedCrop', scale=32, crop_ratio_range=(0.3, 1.0)),
    dict(type='RandomFlip', prob=0.5),
]


def test_masks_and_positions_are_those_of_the_views():
    """A ramp of coordinates shows where the pixels of a patch come from."""
    rows, columns = np.mgrid[:48, :56].astype(np.float32) + 0.5
    ramp = np.stack([rows, columns], axis=2)
    batch = stacked_collate([item(n, ramp, value_range=(0.0, 1.0)) for n in range(6)])
    masked = dict(mask_patch_size=8, mask_ratio=0.6, stride=16)
    module = DeviceViews([SQUARE, SQUARE], [1, 1], masked=masked)
    made = module(batch, training=True)
    samples = made['data_samples']
    assert samples.masks.shape == (6, 2, 4, 4)
    assert (samples.masks.sum((2, 3)) == 10).all()  # of 16, rounded up
    assert samples.positions.shape == (6, 2, 2, 2, 2)
    for view in range(2):
        patches = made['inputs'][view].unfold(2, 16, 16).unfold(3, 16, 16)
        centers = patches.mean((4, 5)).permute(0, 2, 3, 1)
        # Of pixels that are enlarged, those at an edge are repeated.
        torch.testing.assert_close(
            centers, samples.positions[:, view], atol=0.15, rtol=0
        )
    assert 'masks' not in batch['data_samples']


def test_images_are_squeezed_before_views_are_drawn():
    module = DeviceViews([SQUARE], 2, resize_first=48)
    views = module(batch_of(3), training=True)['inputs']
    for number in range(3):
        small = resize(scene(number), (48, 48), cubic=True)
        with item_seed(100 + number):
            seed = np.random.randint(2**32, size=1, dtype=np.uint32)
        recipe = parse_view(SQUARE).recipe
        for view in range(2):
            drawn = recipe.draw(seed, np.array([[48, 48]]), view=view)
            expected = recipe.apply(small, drawn.geometry[0], drawn.colors[0])
            errors = views[view][number].permute(1, 2, 0).numpy() - expected
            assert np.abs(errors).max() < 1.6  # rounded after each resizing


def test_parts_are_not_squeezed():
    part = item(0)
    part['data_samples'].frame[1] *= 2
    module = DeviceViews([SQUARE], 2, resize_first=48)
    with pytest.raises(UserError, match='got parts'):
        module(stacked_collate([part]), training=True)


def test_mixed_precision_of_the_step_leaves_views_alone():
    module = DeviceViews([VIEW], 1, **STATISTICS)
    plain = module(batch_of(), training=True)['inputs']
    with torch.autocast('cpu', torch.bfloat16):
        assert torch.equal(module(batch_of(), training=True)['inputs'], plain)


def test_masks_are_uniform_and_independent_of_views_and_seeds():
    from rsp.ops.masking import masks_of

    masks = masks_of(seeded_uniforms(np.arange(4000), 12).reshape(-1, 3, 4), 0.6)
    assert (masks.sum((1, 2)) == 8).all()
    assert masks.mean(0) == pytest.approx(np.full((3, 4), 8 / 12), abs=0.03)
    pairs = np.einsum('ni,nj->ij', *[masks.reshape(4000, 12).astype(float)] * 2) / 4000
    off = ~np.eye(12, dtype=bool)
    assert pairs[off] == pytest.approx(np.full(132, 8 * 7 / (12 * 11)), abs=0.035)


def test_masks_of_turned_views_are_refused():
    turned = [*SQUARE, dict(type='rsp.RandomRotate90')]
    with pytest.raises(UserError, match='mirrored left to right only'):
        DeviceViews([turned], 2, masked=dict(stride=16, mask_patch_size=8))


def test_boxes_of_overlapping_views_are_cut():
    boxes = np.array([(3, 4, 20, 30), (5, 6, 40, 28)])
    steps = [[dict(type='rsp.CropToBox', view=view, size=16)] for view in range(2)]
    module = DeviceViews(steps, [1, 1], mean=[0.0] * 3, std=[1.0] * 3)
    batch = stacked_collate([item(0, view_boxes=boxes), item(1, view_boxes=boxes)])
    views = module(batch, training=True)['inputs']
    for view, (top, left, height, width) in enumerate(boxes):
        part = torch.from_numpy(scene(1)).permute(2, 0, 1)
        part = part[:, top : top + height, left : left + width].float()
        expected = torch.nn.functional.interpolate(
            part[None], (16, 16), mode='bilinear', antialias=True
        )
        torch.testing.assert_close(views[view][1:], expected, atol=0.01, rtol=0)
    with pytest.raises(UserError, match='view_boxes'):
        module(batch_of(), training=True)


def test_sources_of_pairs_have_views_of_their_own():
    module = PairedDataPreprocessor(
        **STATISTICS,
        sources=dict(
            remote=dict(transforms=[VIEW], num_views=2),
            natural=dict(transforms=[VIEW], num_views=1),
        ),
    )
    made = module(dict(remote=batch_of(3), natural=batch_of(2)), training=True)
    remote, natural = made['inputs']['remote'], made['inputs']['natural']
    assert [view.shape for view in remote] == [(3, 3, 32, 24)] * 2
    assert torch.equal(natural, remote[0][:2])


def test_batches_without_frames_are_normalized_outside_of_training():
    module = DeviceViews([VIEW], 2, **STATISTICS)
    images = torch.full((2, 3, 8, 6), 100, dtype=torch.uint8)
    plain = module(dict(inputs=images, data_samples=[]), training=False)['inputs']
    expected = (100 - torch.tensor(STATISTICS['mean'])) / torch.tensor(
        STATISTICS['std']
    )
    torch.testing.assert_close(plain[0, :, 0, 0], expected)
    with pytest.raises(UserError, match=r'rsp\.PackForDevice'):
        module(dict(inputs=images, data_samples=[]), training=True)


def test_views_that_were_made_already_are_refused():
    with pytest.raises(UserError, match='one image per item, got list'):
        item(0, [scene(0), scene(1)])
