"""One draw, two paths: an 8-bit image on the host, a batch on a device."""

import numpy as np
import pytest
import torch

from rsp.ops.views import (
    ColorJitter,
    GaussianBlur,
    GaussianNoise,
    Geometry,
    Grayscale,
    Solarize,
    ViewRecipe,
)

JITTER = ColorJitter((0.6, 1.4), (0.6, 1.4), (0.6, 1.4), (-0.4, 0.4))
GRAY = Grayscale(3, 0.2, (0.114, 0.587, 0.2989))
RECIPES = {
    'MoCo': ((0.2, 1.0), (GRAY, JITTER)),
    'CMID': (
        (0.3, 1.0),
        (
            ColorJitter((0.6, 1.4), (0.6, 1.4), (0.8, 1.2), (-0.1, 0.1), prob=0.8),
            GaussianBlur((0.1, 2.0), 1.0, (3, 5, 7)),
            GaussianNoise(prob=0.6),
            Solarize(prob=0.2),
            GRAY,
        ),
    ),
    'GeoKR': (None, (ColorJitter((0.75, 1.25), (0.75, 1.25), (0.75, 1.25)),)),
}


def scenes(count, height=96, width=80):
    """Slopes and edges, as of a scene from above, in a tensor that is padded."""
    rng = np.random.default_rng(1)
    coarse = rng.integers(20, 236, (count, height // 16, width // 16, 3))
    images = coarse.repeat(16, 1).repeat(16, 2) + rng.normal(0, 4, (count, 96, 80, 3))
    return images.round().clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize('name', RECIPES)
@pytest.mark.parametrize('dtype', [torch.float32, torch.float16])
def test_both_paths_give_the_same_view_within_rounding(name, dtype):
    area, operations = RECIPES[name]
    geometry = Geometry((48, 48), area, mirror=0.5, upside_down=0.5, turn=0.5)
    recipe = ViewRecipe(geometry, operations)
    images, count = scenes(32), 32
    drawn = recipe.draw(np.arange(count), np.tile([[96, 80]], (count, 1)), view=1)
    on_host = np.stack(
        [
            recipe.apply(image, row, colors)
            for image, row, colors in zip(
                images, drawn.geometry, drawn.colors, strict=True
            )
        ]
    )
    batch = torch.from_numpy(np.pad(images, ((0, 0), (0, 9), (0, 7), (0, 0))))
    views = recipe.apply_batch(
        batch.permute(0, 3, 1, 2),
        torch.from_numpy(drawn.geometry),
        torch.from_numpy(drawn.colors),
        dtype,
    )
    assert views.dtype == dtype
    errors = (
        255 * views.double() - torch.from_numpy(on_host).permute(0, 3, 1, 2)
    ).abs()
    # The host rounds to 8 bits after the crop and each operation; factors up to 1.4
    # spread that, and more where a color has hardly a hue that could be turned.
    assert errors.mean() < 0.8
    assert errors.flatten().quantile(0.999) < 4
