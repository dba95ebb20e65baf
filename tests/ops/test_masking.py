import numpy as np
import pytest
import torch
from torch.testing import assert_close

from rsp.ops.masking import (
    add_token,
    add_token_to_patches,
    draw_mask,
    mask_fill,
    upsample_mask,
)


@pytest.mark.parametrize(
    ('grid', 'ratio', 'masked'),
    [((7, 7), 0.6, 30), ((7, 7), 0.5, 25), ((7, 7), 0.75, 37), ((6, 6), 0.6, 22)],
)
def test_the_count_of_masked_patches_is_exact(grid, ratio, masked):
    assert draw_mask(grid, ratio).sum() == masked


@pytest.mark.parametrize(('size', 'ones'), [(56, 1920), (224, 30_720)])
def test_upsampled_masks_are_constant_in_blocks(size, ones):
    mask = torch.from_numpy(draw_mask((7, 7), 0.6))[None]
    large = upsample_mask(mask, (size, size))
    assert large.sum() == ones
    edge = size // 7
    for k in range(7):
        for m in range(7):
            block = large[0, k * edge : (k + 1) * edge, m * edge : (m + 1) * edge]
            assert (block == mask[0, k, m]).all()


def test_every_patch_is_masked_equally_often():
    """Within five standard deviations of 30/49."""
    rng = np.random.RandomState(0)
    share = np.mean([draw_mask((7, 7), 0.6, rng) for _ in range(4000)], axis=0)
    expected = 30 / 49
    spread = 5 * np.sqrt(expected * (1 - expected) / 4000)
    assert np.abs(share - expected).max() < spread


def test_the_global_generator_decides():
    """Loader workers seed that one."""
    masks = []
    for seed in (1, 1, 2):
        np.random.seed(seed)
        masks.append(draw_mask((7, 7), 0.6))
    assert (masks[0] == masks[1]).all()
    assert (masks[0] != masks[2]).any()


def test_a_ratio_above_one_is_refused():
    with pytest.raises(ValueError, match=r'between 0 and 1, got 60'):
        draw_mask((7, 7), 60)


def test_a_size_that_patches_do_not_divide_is_refused():
    with pytest.raises(ValueError, match=r'7 x 7 patches of its mask, got 50 x 56'):
        upsample_mask(torch.zeros(1, 7, 7), (50, 56))


def images_and_mask():
    images = torch.randn(2, 3, 8, 12)
    return images, torch.tensor([[[1, 0, 0], [0, 0, 1]], [[0, 1, 1], [0, 1, 0]]])


def test_masked_pixels_get_the_mean_of_the_whole_channel():
    images, mask = images_and_mask()
    before = images.clone()
    filled = mask_fill(images, mask)
    assert torch.equal(images, before)
    for n in range(2):
        for c in range(3):
            for y in range(8):
                for x in range(12):
                    if mask[n, y // 4, x // 4]:
                        expected = before[n, c].mean()
                        assert_close(filled[n, c, y, x], expected)
                    else:
                        assert filled[n, c, y, x] == before[n, c, y, x]


def test_a_constant_image_stays_as_it_is():
    _, mask = images_and_mask()
    images = torch.full((2, 3, 8, 12), 0.37)
    assert_close(mask_fill(images, mask), images)


def test_filling_commutes_with_normalizing():
    images, mask = images_and_mask()
    images = 255 * images.sigmoid()
    mean = torch.tensor([86.0, 92.0, 85.0]).view(3, 1, 1)
    std = torch.tensor([35.0, 34.0, 36.0]).view(3, 1, 1)
    assert_close(
        mask_fill((images - mean) / std, mask),
        (mask_fill(images, mask) - mean) / std,
        rtol=0,
        atol=1e-5,
    )


def test_the_token_is_added_where_patches_are_masked():
    mask = torch.tensor([[[1, 0, 0], [0, 0, 1]], [[0, 1, 1], [0, 1, 0]]])
    features, token = torch.randn(2, 5, 4, 6), torch.randn(1, 5, 1, 1)
    change = add_token(features, token, mask) - features
    large = upsample_mask(mask, (4, 6))[:, None]
    assert_close(change, token * large)
    patches = features.flatten(2).transpose(1, 2)
    moved = add_token_to_patches(patches, token, mask, (4, 6)) - patches
    assert_close(moved.transpose(1, 2).unflatten(2, (4, 6)), change)
