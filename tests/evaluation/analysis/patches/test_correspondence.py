"""Matches of patches between views: geometry by hand, perfect and blind features."""

import json

import numpy as np
import pytest
import torch

from rsp.cli import main
from rsp.evaluation.analysis.patches.correspondence import (
    View,
    cut_view,
    draw_views,
    match,
    mutual,
)


def position_features(view, height=7, width=9):
    """Features that know their place in the image, whatever the view."""
    rows, columns = np.indices((height, width))
    x, y = view.point((columns + 0.5) / width, (rows + 0.5) / height)
    waves = [f(3 * axis) for axis in (x, y) for f in (np.sin, np.cos)]
    return torch.from_numpy(np.stack(waves))


@pytest.mark.parametrize('mirrored', [False, True])
def test_places_and_points_are_each_others_reverse(mirrored):
    view = View(0.1, 0.3, 0.6, mirrored)
    x, y = np.array([0.0, 0.25, 1.0]), np.array([0.5, 0.5, 0.0])
    np.testing.assert_allclose(view.place(*view.point(x, y)), (x, y), atol=1e-12)


@pytest.mark.parametrize('mirrored', [False, True])
def test_pixels_of_a_view_are_those_of_its_points(mirrored):
    # Red tells the place from left to right, green from top to bottom.
    ramp = (np.arange(100) * 2).astype(np.uint8)
    across, down = np.broadcast_arrays(ramp, ramp[:, None])
    pixels = np.stack([across, down, down], axis=2)
    view = View(0.1, 0.3, 0.6, mirrored)
    found = cut_view(pixels, view, 50).astype(float)
    center = (np.arange(50) + 0.5) / 50
    x, y = view.point(center, center)
    np.testing.assert_allclose(found[20, :, 0], 200 * x - 1, atol=1.1)
    np.testing.assert_allclose(found[:, 20, 1], 200 * y - 1, atol=1.1)


def test_features_that_know_their_place_are_matched_in_any_two_views():
    rng = np.random.default_rng(0)
    for _ in range(20):
        views = draw_views(rng)
        found = match(*map(position_features, views), *views)
        assert found.right.all()
        assert 0 < found.chance < 0.3


def test_blind_features_match_by_chance():
    rng = np.random.default_rng(0)
    right, chance = [], []
    for _ in range(60):
        views = draw_views(rng)
        found = match(torch.randn(16, 7, 9), torch.randn(16, 7, 9), *views)
        right.append(found.right.mean())
        chance.append(found.chance)
    assert np.mean(right) == pytest.approx(np.mean(chance), abs=0.03)


def test_what_only_one_view_shows_is_not_judged():
    left, right = View(0, 0, 0.5), View(0.25, 0, 0.5)
    found = match(*map(position_features, (left, right)), left, right)
    # The right half of the first view is the left half of the second one.
    assert (found.first[:, 0] >= 0.5).all()
    assert len(found.first) == 7 * 5


def test_mutual_matches_are_mutual_and_the_most_alike_first():
    first = torch.eye(6).view(6, 2, 3)
    second = first.flip(2) + 0.01 * torch.rand(6, 2, 3)
    ours, theirs = mutual(first, second, count=4)
    assert len(ours) == 4
    np.testing.assert_allclose(theirs, np.stack([1 - ours[:, 0], ours[:, 1]], axis=1))


def test_pictures_and_numbers_repeat(write_backbone, write_classes, tmp_path):
    data = write_classes(3, size=(40, 48))
    for out in ('a', 'b'):
        line = ['correspondence', write_backbone(), '--data', data, '--size', '64']
        main('analyze', argv=[*line, '--out', str(tmp_path / out)])
    names = sorted(path.name for path in (tmp_path / 'a').iterdir())
    assert names == [
        'correspondence.json', 'correspondence.png', 'correspondence_classes.png'
    ]  # fmt: skip
    for name in names:
        first, second = ((tmp_path / out / name).read_bytes() for out in ('a', 'b'))
        assert first == second
    [found] = json.loads((tmp_path / 'a/correspondence.json').read_text())['backbones']
    assert 0 <= found['matched'] <= 1
