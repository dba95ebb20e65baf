import mmcv
import numpy as np
import pytest
import torch
from mmpretrain.datasets.transforms import PackInputs, RandomResizedCrop
from scipy import stats

from rsp.datasets.views import MaskedTwoCrop
from rsp.errors import UserError
from rsp.ops.masking import draw_mask


def coordinate_image(height, width):
    """A scene whose pixels say where they are: row in channel 0, column in 1."""
    rows, columns = np.mgrid[:height, :width]
    return np.stack([rows, columns, 0 * rows], axis=-1).astype(np.uint8)


def views_of(scene, seed=0, **kwargs):
    np.random.seed(seed)
    return MaskedTwoCrop(**kwargs)(dict(img=scene.copy()))


@pytest.mark.parametrize('seed', range(6))
def test_positions_are_where_the_pixels_come_from(seed):
    """On real crops: read each patch's place from its pixels."""
    results = views_of(coordinate_image(224, 224), seed)
    for view, positions in zip(results['img'], results['positions'], strict=True):
        patches = view[..., :2].reshape(7, 32, 7, 32, 2).mean((1, 3))
        # A pixel's number is half a pixel before its center.
        np.testing.assert_allclose(patches + 0.5, positions, atol=1.0)


def test_positions_are_in_pixels_of_the_whole_scene():
    results = views_of(coordinate_image(200, 250), size=64, resize_first=False)
    for view, positions in zip(results['img'], results['positions'], strict=True):
        patches = view[..., :2].reshape(2, 32, 2, 32, 2).mean((1, 3))
        np.testing.assert_allclose(patches + 0.5, positions, atol=1.5)


def test_squeezing_first_loses_the_shape_of_the_scene():
    """Published: positions are those of the squeezed 224 x 224 scene."""
    results = views_of(
        coordinate_image(100, 250),
        crop_ratio_range=(1, 1),
        aspect_ratio_range=(1, 1),
        flip_prob=0,
    )
    assert results['positions'][0, :, 0, 0].tolist() == [
        16,
        48,
        80,
        112,
        144,
        176,
        208,
    ]
    whole = views_of(coordinate_image(100, 250), resize_first=False)
    assert whole['positions'][..., 1].max() > 100


def test_both_views_are_drawn_independently():
    scene = coordinate_image(224, 224)
    boxes, masks = [], []
    for seed in range(20):
        results = views_of(scene, seed)
        assert results['masks'].dtype == torch.uint8
        assert (results['masks'].sum((1, 2)) == 30).all()
        boxes.append(not torch.equal(*results['positions']))
        masks.append(not torch.equal(*results['masks']))
    assert all(boxes)
    assert all(masks)


def test_the_same_seed_gives_the_same_views():
    scene = coordinate_image(224, 224)
    first, second, other = (views_of(scene, seed) for seed in (1, 1, 2))
    for a, b in zip(first['img'], second['img'], strict=True):
        assert (a == b).all()
    assert torch.equal(first['masks'], second['masks'])
    assert torch.equal(first['positions'], second['positions'])
    assert not torch.equal(first['masks'], other['masks'])


def test_half_of_the_views_are_mirrored():
    scene = coordinate_image(224, 224)
    mirrored = [
        (positions[0, 0, 1] > positions[0, 1, 1]).item()
        for seed in range(100)
        for positions in views_of(scene, seed)['positions']
    ]
    assert 70 <= sum(mirrored) <= 130


def test_crops_have_the_published_area():
    """Scale (0.3, 1.0), ratio (3/4, 4/3)."""
    scene = coordinate_image(224, 224)
    for seed in range(30):
        for positions in views_of(scene, seed)['positions']:
            height = 7 * (positions[1, 0, 0] - positions[0, 0, 0]).item()
            width = 7 * (positions[0, 1, 1] - positions[0, 0, 1]).abs().item()
            assert 0.29 < height * width / 224**2 <= 1
            assert 0.74 < width / height < 1.35


def test_each_view_gets_its_own_transforms():
    results = views_of(
        np.full((64, 64, 3), 200, np.uint8),
        size=64,
        transforms=[[], [dict(type='mmpretrain.Solarize', thr=128, prob=1.0)]],
    )
    assert (results['img'][0] == 200).all()
    assert (results['img'][1] == 55).all()


def test_a_finer_map_gets_finer_positions():
    results = views_of(coordinate_image(224, 224), stride=16)
    assert results['positions'].shape == (2, 14, 14, 2)
    assert results['masks'].shape == (2, 7, 7)


def test_a_sample_carries_masks_and_positions():
    results = views_of(coordinate_image(224, 224))
    packed = PackInputs(algorithm_keys=['masks', 'positions'])(results)
    assert [tuple(view.shape) for view in packed['inputs']] == [(3, 224, 224)] * 2
    assert packed['data_samples'].positions.shape == (2, 7, 7, 2)


@pytest.mark.parametrize('name', ['mask_patch_size', 'stride'])
def test_a_size_that_patches_do_not_divide_is_refused(name):
    message = rf"divisible by its '{name}', got 100 and 32; take {name}=32 with size=96"
    with pytest.raises(ValueError, match=message):
        MaskedTwoCrop(size=100, **{'mask_patch_size': 20, 'stride': 20, name: 32})


@pytest.mark.parametrize('resize_first', [True, False])
def test_exact_pillow_draws_as_before(resize_first):
    """The numbers of version 0: crop, then flip, of each view, then its mask."""
    scene = coordinate_image(180, 200)
    options = dict(size=64, resize_first=resize_first, exact_pillow=True)
    results = views_of(scene, 3, **options)
    np.random.seed(3)
    crop = RandomResizedCrop(64, (0.3, 1.0))
    if resize_first:
        scene = mmcv.imresize(scene, (64, 64), interpolation='bicubic')
    for view in results['img']:
        top, left, height, width = crop.rand_crop_params(scene)
        flipped = np.random.random() < 0.5
        part = scene[top : top + height, left : left + width]
        expected = mmcv.imresize(part, (64, 64))
        assert (view == (expected[:, ::-1] if flipped else expected)).all()
    for mask in results['masks']:
        assert (mask.numpy() == draw_mask((2, 2), 0.6)).all()


def test_areas_and_places_are_those_of_the_published_transforms():
    scene = coordinate_image(64, 64)
    drawn = [
        np.stack([views_of(scene, s, size=64, mask_patch_size=32, exact_pillow=exact)
                  ['positions'].flatten(1).numpy() for s in range(400)])
        for exact in (True, False)
    ]  # fmt: skip
    for place in range(drawn[0].shape[2]):
        ours, theirs = (d[:, 0, place] for d in drawn)
        assert stats.ks_2samp(ours, theirs).pvalue > 0.001


def test_squeezing_is_antialiased():
    """Stripes of a pixel become gray, of which OpenCV's bicubic makes other stripes."""
    scene = np.zeros((256, 200, 3), np.uint8)
    scene[:, ::2] = 255
    whole = dict(size=64, crop_ratio_range=(1, 1), aspect_ratio_range=(1, 1))
    fast = views_of(scene, **whole)['img'][0][:, 4:-4].astype(float)
    assert np.abs(fast - 127.5).max() < 16
    exact = views_of(scene, **whole, exact_pillow=True)['img'][0][:, 4:-4]
    assert np.abs(exact - 127.5).max() > 60


def test_reduced_pixels_are_refused_where_all_are_wanted():
    results = dict(img=coordinate_image(100, 100), reduction=2)
    MaskedTwoCrop(size=64)(dict(results))
    with pytest.raises(UserError, match='leave out min_size'):
        MaskedTwoCrop(size=64, resize_first=False)(dict(results))


def test_floats_keep_their_own_transforms():
    scene = np.random.default_rng(0).random((90, 80, 5), np.float32)
    steps = [dict(type='rsp.RandomGrayscale', prob=1.0)]
    make = MaskedTwoCrop(size=64, transforms=[[], steps], resize_first=False)
    np.random.seed(0)
    views = make(dict(img=scene, value_range=(0, 1)))['img']
    assert [view.shape for view in views] == [(64, 64, 5)] * 2
    assert views[0].dtype == np.float32
    assert np.ptp(views[1], axis=2).max() < 1e-6
