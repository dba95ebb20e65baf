"""Boxes of views: those of RandomResizedCrop, in distribution."""

import numpy as np
import pytest
from mmpretrain.datasets.transforms import RandomResizedCrop
from scipy import stats

from rsp.ops.views import Geometry, Grayscale, ViewRecipe, seeded_uniforms


def draw(geometry, size, count):
    uniforms = seeded_uniforms(np.arange(count), geometry.numbers)
    return geometry.draw(uniforms, np.tile([size], (count, 1)))


@pytest.mark.parametrize('size', [(60, 90), (300, 70)])
def test_boxes_have_the_distribution_of_mmpretrains(size):
    geometry = Geometry((8, 8), (0.2, 1.0))
    ours = draw(geometry, size, 3000)[:, :4]
    np.random.seed(0)
    stock = RandomResizedCrop(scale=8, crop_ratio_range=(0.2, 1.0))
    theirs = np.array([stock.rand_crop_params(np.empty(size)) for _ in range(3000)])
    for column in range(4):
        assert stats.ks_2samp(ours[:, column], theirs[:, column]).pvalue > 0.001


def test_boxes_lie_in_images_of_any_shape():
    sizes = np.array([[1, 1], [1, 500], [400, 2], [33, 77]])
    geometry = Geometry((8, 8), (0.08, 1.0))
    for seed in range(50):
        uniforms = seeded_uniforms(np.arange(4) + 4 * seed, geometry.numbers)
        boxes = geometry.draw(uniforms, sizes)[:, :4]
        assert (boxes[:, :2] >= 0).all()
        assert (boxes[:, 2:] >= 1).all()
        assert (boxes[:, :2] + boxes[:, 2:] <= sizes).all()
        assert (boxes == np.rint(boxes)).all()


def test_a_strip_that_no_box_fits_gives_the_central_one():
    # At most 4/3 as wide as high, and a fifth of the area: none fits into 10 x 1000.
    boxes = draw(Geometry((8, 8), (0.2, 1.0)), (10, 1000), 5)
    assert boxes[:, :4].tolist() == [[0, 493, 10, 13]] * 5


def test_whole_images_are_taken_without_an_area():
    boxes = draw(Geometry((8, 8), None), (30, 50), 3)
    assert boxes[:, :4].tolist() == [[0, 0, 30, 50]] * 3


def test_mirrors_and_turns_have_their_shares():
    draws = draw(Geometry((8, 8), None, mirror=0.5, upside_down=0.3, turn=0.5), (9, 9),
                 20000)  # fmt: skip
    assert draws[:, 4].mean() == pytest.approx(0.5, abs=0.015)
    assert draws[:, 5].mean() == pytest.approx(0.3, abs=0.015)
    # Half of the images draw one of four turns: three of eight end up turned.
    shares = np.bincount(draws[:, 6].astype(int), minlength=4) / len(draws)
    assert shares == pytest.approx([5 / 8, 1 / 8, 1 / 8, 1 / 8], abs=0.01)


@pytest.mark.parametrize('area', [(0.2, 1.0), (0.08, 1.0), None])
def test_few_boxes_are_those_of_many_to_the_bit(area):
    # On the host a few images are drawn at a time, for the device a whole batch.
    geometry = Geometry((8, 8), area, aspect=(0.5, 4 / 3), mirror=0.5)
    sizes = np.random.default_rng(0).integers(3, 2000, (2000, 2))
    uniforms = seeded_uniforms(np.arange(2000), geometry.numbers)
    many = geometry.draw(uniforms, sizes)
    few = [geometry.draw(uniforms[n : n + 2], sizes[n : n + 2]) for n in
           range(0, 2000, 2)]  # fmt: skip
    assert (np.concatenate(few) == many).all()


def test_geometry_alone_is_that_of_all_that_is_drawn():
    recipe = ViewRecipe(Geometry((8, 8)), (Grayscale(prob=0.5),))
    asked = np.arange(20), np.tile([[90, 120]], (20, 1)), 3
    assert (recipe.draw_geometry(*asked) == recipe.draw(*asked).geometry).all()
