import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rsp.geo.rejection import QualityRules, percentiles_of_counts


def textured(share, value):
    """A 100 x 100 image of three bands, a share of whose pixels has a value."""
    image = np.tile(np.linspace(60, 180, 100).astype(np.uint8), (100, 1))
    image.ravel()[: int(share * 10_000)] = value
    return np.repeat(image[..., None], 3, axis=2)


@pytest.mark.parametrize(
    ('image', 'reason'),
    [
        (np.full((50, 50, 3), 100, np.uint8), 'contrast'),
        (textured(0.11, 10), 'dark'),
        (textured(0.09, 10), None),
        (textured(0.51, 240), 'cloud'),
        (textured(0.49, 240), None),
        (textured(0, 0), None),
        (np.tile(np.arange(20, dtype=np.uint8), (20, 1))[..., None], 'dark'),
    ],
)
def test_published_rules(image, reason):
    assert QualityRules().reason(image) == reason


def test_the_rules_look_at_the_mean_over_bands():
    image = np.zeros((40, 40, 4), np.uint8)
    image[..., 0] = 85  # the mean is 21.25: not dark
    image[::2, ::2, 1] = 255
    assert QualityRules().reason(image) is None
    image[..., 0] = 70  # 17.5
    assert QualityRules().reason(image) == 'dark'


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.integers(0, 999), st.integers(1, 5), st.integers(1, 120))
def test_against_plain_numpy(seed, bands, spread):
    rng = np.random.default_rng(seed)
    center = rng.integers(0, 256)
    image = rng.normal(center, spread, (9, 11, bands)).clip(0, 255).astype(np.uint8)
    mean = image.mean(axis=2)
    low, high = np.percentile(mean, (1, 99))
    expected = None
    if mean.max() < 20 or (mean < 20).mean() > 0.10:
        expected = 'dark'
    elif (high - low) / 255 < 0.05:
        expected = 'contrast'
    elif (mean > 230).mean() > 0.50:
        expected = 'cloud'
    assert QualityRules().reason(image) == expected


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 30), min_size=1, max_size=60))
def test_percentiles_from_counts_are_numpys(values):
    counts = np.bincount(values, minlength=31)
    found = percentiles_of_counts(np.arange(31), counts, (1, 50, 99))
    np.testing.assert_allclose(found, np.percentile(values, (1, 50, 99)))


def test_low_contrast_is_scikit_images_rule():
    exposure = pytest.importorskip('skimage.exposure')
    rng = np.random.default_rng(0)
    for spread in (1, 3, 5, 6, 8, 20):
        image = rng.normal(120, spread, (64, 64)).clip(0, 255).astype(np.uint8)
        theirs = exposure.is_low_contrast(image)
        assert (QualityRules().reason(image[..., None]) == 'contrast') == theirs
