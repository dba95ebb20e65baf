"""Boxes of a batch, resized, mirrored and turned: Pillow's resampling as matrices."""

import numpy as np
import pytest
import torch
import view_oracles as oracles
from PIL import Image
from torch.nn.functional import interpolate

from rsp.errors import UserError
from rsp.ops.views import Geometry, seeded_uniforms
from rsp.ops.views.kernels.cut_views import cut_views

SIZE = (16, 12)


def padded(sizes, bands=3):
    """Images of several sizes in one tensor, noise beside them."""
    rng = np.random.default_rng(3)
    height, width = np.max(sizes, axis=0)
    return torch.from_numpy(
        rng.integers(0, 256, (len(sizes), bands, height, width), np.uint8)
    )


SIZES = np.array([(40, 64), (50, 31), (20, 25), (9, 11)])


def draw(geometry):
    uniforms = seeded_uniforms(np.arange(len(SIZES)), geometry.numbers)
    return geometry.draw(uniforms, SIZES)


def part(image, row):
    top, left, height, width = row[:4].astype(int)
    return image[:, top : top + height, left : left + width]


def turn(view, row):
    mirrored, upside_down, turns = row[4:].astype(int)
    view = view.flip(2) if mirrored else view
    view = view.flip(1) if upside_down else view
    return view.rot90(turns, (1, 2))


@pytest.mark.parametrize(
    ('dtype', 'levels'),
    [(torch.float64, 5e-3), (torch.float32, 5e-3), (torch.float16, 0.3)],
)
def test_a_part_is_averaged_under_a_triangle(dtype, levels):
    images, rows = padded(SIZES, bands=2), draw(Geometry(SIZE, (0.2, 0.9), mirror=0.5))
    views = cut_views(images, torch.from_numpy(rows), SIZE, dtype=dtype)
    assert views.dtype == dtype
    assert views.shape == (4, 2, *SIZE)
    for image, row, view in zip(images, rows, views, strict=True):
        image = part(image.double(), row).permute(1, 2, 0).numpy()
        expected = torch.from_numpy(oracles.triangle_resize(image, SIZE))
        error = 255 * view.double() - turn(expected.permute(2, 0, 1), row)
        assert error.abs().max() < levels


@pytest.mark.parametrize('cubic', [False, True])
def test_views_are_those_of_torchs_antialiased_interpolation(cubic):
    images, rows = padded(SIZES), draw(Geometry(SIZE, (0.2, 0.9)))
    views = cut_views(images, torch.from_numpy(rows), SIZE, cubic)
    for image, row, view in zip(images, rows, views, strict=True):
        expected = interpolate(
            part(image.float(), row)[None], SIZE, antialias=True,
            mode='bicubic' if cubic else 'bilinear',
        )[0].clamp(0, 255)  # fmt: skip
        assert (255 * view - expected).abs().max() < 0.01


@pytest.mark.parametrize('cubic', [False, True])
def test_views_are_those_of_pillow_within_rounding(cubic):
    # Pillow cuts to 8 bits after each axis: none of these overshoots.
    images, rows = 64 + padded(SIZES) // 2, draw(Geometry(SIZE, (0.2, 0.9)))
    views = cut_views(images, torch.from_numpy(rows), SIZE, cubic)
    kind = Image.Resampling.BICUBIC if cubic else Image.Resampling.BILINEAR
    for image, row, view in zip(images, rows, views, strict=True):
        image = Image.fromarray(part(image, row).permute(1, 2, 0).numpy())
        expected = np.asarray(image.resize(SIZE[::-1], kind)).transpose(2, 0, 1)
        assert np.abs(255 * view.numpy() - expected).max() <= 1.5


def test_mirrors_come_before_turns():
    images = padded([(20, 25)] * 16)
    rows = torch.tensor(
        [[3, 4, 15, 18, m, u, t] for m, u, t in np.ndindex(2, 2, 4)]
    ).double()
    views = cut_views(images, rows, (8, 8), turned=True)
    plain = cut_views(images, rows * (torch.arange(7) < 4), (8, 8))
    for view, one, row in zip(views, plain, rows.numpy(), strict=True):
        torch.testing.assert_close(view, turn(one, row))


def test_floats_of_any_bands_are_not_cut():
    windows = torch.randn(2, 13, 20, 30)
    rows = torch.tensor([[2, 3, 10, 20, 0, 0, 0]] * 2).double()
    views = cut_views(windows, rows, SIZE, cubic=True)
    expected = interpolate(
        windows[:, :, 2:12, 3:23], SIZE, mode='bicubic', antialias=True
    )
    torch.testing.assert_close(views, expected, atol=1e-5, rtol=0)
    assert views.min() < 0


def test_edges_between_pixels_take_their_share_of_a_reduced_image():
    ramp = torch.arange(40.0).expand(1, 1, 30, 40) + 0.5
    row = torch.tensor([[2.0, 3.25, 20.0, 30.5, 0, 0, 0]]).double()
    view = cut_views(ramp, row, (4, 10))
    centers = 3.25 + (torch.arange(10) + 0.5) * 3.05
    # Away from the edges, where the triangle is cut off.
    torch.testing.assert_close(view[0, 0, 1, 1:-1], centers[1:-1], atol=0.13, rtol=0)


def test_other_than_square_views_are_not_turned():
    with pytest.raises(UserError, match='width of views that are turned'):
        cut_views(padded(SIZES), torch.ones(4, 7).double(), SIZE, turned=True)
