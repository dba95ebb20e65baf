import numpy as np
import pytest
import torch
from mmpretrain.datasets.transforms import PackInputs

from rsp.datasets.transforms import MaskedTwoCrop


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
