from types import SimpleNamespace

import numpy as np
import torch

from rsp.engine.hooks.reconstruction import compose, to_pixels


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
