import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rsp.prepare.scan import perceptual_hash
from rsp.prepare.scan.perceptual_hash import (
    COPY,
    difference_hash,
    distances,
    near_groups,
)


def picture(seed, side=96):
    """Blobs of many sizes, gray, 0 to 255."""
    rng = np.random.default_rng(seed)
    layers = [
        cv2.resize(rng.normal(size=(n, n)), (side, side), interpolation=cv2.INTER_CUBIC)
        for n in (4, 8, 16, 32)
    ]
    return np.clip(128 + 30 * sum(layers), 0, 255).astype(np.uint8)


def encoded(pixels, quality):
    _, data = cv2.imencode('.jpg', pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)


@pytest.mark.parametrize(
    'change',
    [
        lambda pixels: encoded(pixels, 60),
        lambda pixels: cv2.resize(pixels, (150, 150), interpolation=cv2.INTER_CUBIC),
        lambda pixels: cv2.resize(pixels, (48, 48), interpolation=cv2.INTER_AREA),
        lambda pixels: pixels * 0.7 + 9,
        lambda pixels: encoded(cv2.resize(pixels, (80, 80)), 75),
    ],
    ids=['jpeg', 'larger', 'smaller', 'darker', 'smaller jpeg'],
)
def test_a_copy_has_nearly_the_same_hash(change):
    for seed in range(20):
        pixels = picture(seed)
        assert (
            distances(difference_hash(pixels), difference_hash(change(pixels))) <= COPY
        )


def test_other_pictures_are_far():
    hashes = np.stack([difference_hash(picture(seed)) for seed in range(60)])
    apart = distances(hashes[:, None], hashes)
    assert apart[~np.eye(60, dtype=bool)].min() > 2 * COPY


def test_a_picture_is_not_its_mirror_image_and_brightness_does_not_matter():
    pixels = picture(3).astype(np.float32)
    plain = difference_hash(pixels)
    assert (difference_hash(pixels * 40 + 1000) == plain).all()
    assert distances(plain, difference_hash(pixels[:, ::-1])) > 2 * COPY


def test_a_blank_picture_has_no_hash():
    assert difference_hash(np.full((20, 30), 7)) is None


def by_all_pairs(hashes, within):
    """Groups by comparing every picture with every other, and joining until at rest."""
    bits = np.unpackbits(hashes, axis=1).astype(int)
    near = (bits[:, None] != bits).sum(axis=-1) <= within
    groups = [{row} for row in range(len(hashes))]
    for one, other in zip(*np.nonzero(near), strict=True):
        first = next(g for g in groups if one in g)
        second = next(g for g in groups if other in g)
        if first is not second:
            groups.remove(second)
            first |= second
    return sorted(sorted(map(int, group)) for group in groups if len(group) > 1)


@settings(max_examples=50, deadline=None)
@given(st.data(), st.integers(0, 12), st.integers(0, 2**32 - 1))
def test_groups_are_those_of_all_pairs(data, within, seed):
    rng = np.random.default_rng(seed)
    centers = rng.integers(256, size=(3, 4), dtype=np.uint8)
    hashes = np.repeat(centers, data.draw(st.integers(0, 5)), axis=0)
    flips = np.packbits(rng.random((len(hashes), 32)) < 0.15, axis=1)
    hashes = hashes ^ flips.reshape(hashes.shape)
    assert near_groups(hashes, within) == by_all_pairs(hashes, within)


def test_chunks_change_nothing(monkeypatch):
    rng = np.random.default_rng(0)
    hashes = rng.integers(4, size=(200, 2), dtype=np.uint8)
    expected = near_groups(hashes, 1)
    monkeypatch.setattr(perceptual_hash, 'CHUNK', 1)
    assert near_groups(hashes, 1) == expected


def test_more_bits_than_there_are():
    with pytest.raises(ValueError, match='between 0 and 7, got 8'):
        near_groups(np.zeros((2, 1), np.uint8), 8)
