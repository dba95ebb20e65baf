from types import SimpleNamespace

import numpy as np
import pytest
import torch

from rsp.engine.hooks.reconstruction import (
    ReconstructionHook,
    compose,
    stretch_alike,
    to_pixels,
)


def test_pixels_come_back_from_the_statistics_they_were_made_with():
    pixels = torch.randint(256, (2, 3, 4, 6), dtype=torch.uint8)
    mean = torch.tensor([86.2, 91.9, 85.4]).view(3, 1, 1)
    std = torch.tensor([34.7, 34.5, 35.9]).view(3, 1, 1)
    back = to_pixels((pixels - mean) / std, SimpleNamespace(mean=mean, std=std))
    assert (back == pixels.permute(0, 2, 3, 1).numpy()).all()


def test_values_beyond_the_range_are_cut():
    identity = SimpleNamespace(mean=torch.zeros(3, 1, 1), std=torch.ones(3, 1, 1))
    extremes = torch.tensor([-9.0, 300.0, 7.4]).view(1, 3, 1, 1)
    assert to_pixels(extremes, identity).flatten().tolist() == [0, 255, 7]


def test_rows_and_columns_stand_apart():
    rows = [np.full((2, 4, 6, 3), value, np.uint8) for value in (10, 20, 30)]
    picture = compose(rows, gap=1)
    assert picture.shape == (14, 13, 3)
    assert (picture[:4, :6] == 10).all()
    assert (picture[10:, 7:] == 30).all()
    assert (picture[4] == 255).all()
    assert (picture[:, 6] == 255).all()


def test_other_bands_are_stretched_as_the_clean_images_are():
    ramp = torch.linspace(0, 1, 101).view(1, 1, 1, 101)
    clean = torch.cat([ramp * (b + 1) - b for b in range(13)], dim=1)
    rows = stretch_alike([clean, clean + 5, clean - 5], bands=(4, 3, 2))
    assert [row.shape for row in rows] == [(1, 1, 101, 3)] * 3
    first = rows[0][0, 0]
    # All bands rise alike, from the 2nd to the 98th percentile.
    assert np.ptp(first.astype(int), axis=1).max() <= 1
    assert (first[2, 0], first[98, 0]) == (0, 255)
    assert abs(int(first[50, 0]) - 127) <= 1
    assert (rows[1] == 255).all()
    assert (rows[2] == 0).all()


@pytest.mark.parametrize(
    ('count', 'bands', 'shown'),
    [(2, None, (1, 1, 1)), (5, None, (1, 2, 3)), (2, (2,), (2, 2, 2))],
)
def test_bands_are_drawn_in_order_or_one_in_gray(count, bands, shown):
    images = torch.rand(2, count, 8, 9)
    (row,) = stretch_alike([images], bands)
    for color, band in enumerate(shown):
        (alone,) = stretch_alike([images], (band,))
        assert (row[..., color] == alone[..., 0]).all()


def test_bands_that_are_not_there_are_refused():
    with pytest.raises(ValueError, match='between 1 and 2, got 3'):
        stretch_alike([torch.rand(1, 2, 4, 4)], (3, 2, 1))
    with pytest.raises(ValueError, match='one of 1, 3, got 2'):
        ReconstructionHook(bands=(1, 2))
