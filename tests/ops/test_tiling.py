import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rsp.ops.tiling import tile_offsets


def test_a_potsdam_scene_gives_24_tiles_along_each_edge():
    """21,888 tiles of 38 scenes: the count published for CMID."""
    offsets = tile_offsets(6000, 256, 256)
    assert len(offsets) == 24
    assert 38 * len(offsets) ** 2 == 21_888
    assert offsets[-1] == 6000 - 256


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 60))
def test_every_pixel_is_covered_if_strides_allow(length, tile, stride):
    if tile > length:
        with pytest.raises(ValueError, match=rf'tiles of 1 to {length} pixels'):
            tile_offsets(length, tile, stride)
        return
    offsets = tile_offsets(length, tile, stride)
    assert offsets == sorted(set(offsets))
    assert offsets[0] == 0
    assert offsets[-1] + tile == length
    if stride <= tile:
        covered = {p for start in offsets for p in range(start, start + tile)}
        assert covered == set(range(length))
