import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rsp.ops.tiling import tile_starts


def test_a_potsdam_scene_gives_24_tiles_along_each_edge():
    """21,888 tiles of 38 scenes: the count published for CMID."""
    starts = tile_starts(6000, 256, 256)
    assert len(starts) == 24
    assert 38 * len(starts) ** 2 == 21_888
    assert starts[-1] == 6000 - 256


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 60))
def test_every_pixel_is_covered_if_strides_allow(length, tile, stride):
    if tile > length:
        with pytest.raises(ValueError, match=rf'tiles of 1 to {length} pixels'):
            tile_starts(length, tile, stride)
        return
    starts = tile_starts(length, tile, stride)
    assert starts == sorted(set(starts))
    assert starts[0] == 0
    assert starts[-1] + tile == length
    if stride <= tile:
        covered = {p for start in starts for p in range(start, start + tile)}
        assert covered == set(range(length))
