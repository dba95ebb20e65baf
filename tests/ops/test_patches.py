import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from rsp.ops.patches import gather, match, nearest, patch_centers


def grid(box, flipped=False, grid_size=(7, 7)):
    return patch_centers(box, flipped, grid_size).flatten(0, 1)[None]


def test_centers_of_a_crop():
    patches = patch_centers((32, 64, 160, 128), False, (7, 7))
    for place, expected in (
        ((0, 0), (43.4286, 73.1429)),
        ((3, 3), (112.0, 128.0)),
        ((6, 6), (180.5714, 182.8571)),
    ):
        assert_close(patches[place], torch.tensor(expected), rtol=0, atol=1e-4)
    flipped = patch_centers((32, 64, 160, 128), True, (7, 7))
    expected = torch.tensor([43.4286, 182.8571])
    assert_close(flipped[0, 0], expected, rtol=0, atol=1e-4)
    assert torch.equal(flipped[3, 3], patches[3, 3])


def test_centers_of_the_whole_image():
    patches = patch_centers((0, 0, 224, 224), False, (7, 7))
    assert patches[:, 0, 0].tolist() == [16, 48, 80, 112, 144, 176, 208]
    assert patches[0, :, 1].tolist() == [16, 48, 80, 112, 144, 176, 208]
    assert torch.equal(patch_centers((0, 0, 224, 224), True, (7, 7)), patches.flip(1))


boxes = st.tuples(*[st.integers(0, 300)] * 2, *[st.integers(1, 224)] * 2)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(boxes, st.booleans(), st.tuples(st.integers(1, 9), st.integers(1, 9)))
def test_centers_lie_inside_their_crop(box, flipped, grid_size):
    top, left, height, width = box
    rows, columns = patch_centers(box, flipped, grid_size).unbind(-1)
    assert ((rows > top) & (rows < top + height)).all()
    assert ((columns > left) & (columns < left + width)).all()


def pairs(here, there, count):
    a, b = match(here, there, count)
    return list(zip(a[0].tolist(), b[0].tolist(), strict=True))


def test_the_toy_example():
    """Offsets taken as fractions would rank the first patch first."""
    here = grid((0, 0, 8, 8), grid_size=(2, 2))
    there = grid((3, 5, 4, 4), grid_size=(2, 2))
    distance, partner = nearest(torch.cdist(here, there))
    assert partner[0].tolist() == [0, 0, 2, 2]
    expected = torch.tensor([4.472136, 2.0, 4.0, 0.0])
    assert_close(distance[0], expected, rtol=0, atol=1e-5)
    assert pairs(here, there, 2) == [(1, 0), (3, 2)]
    assert pairs(grid((0, 0, 8, 8), True, (2, 2)), there, 2) == [(0, 0), (2, 2)]


def test_a_corner_crop_meets_the_middle():
    here, there = grid((112, 112, 112, 112)), grid((0, 0, 224, 224))
    found = dict(pairs(here, there, 49))
    assert (found[0], found[48]) == (24, 48)
    distance, _ = nearest(
        torch.cdist(here, there, compute_mode='donot_use_mm_for_euclid_dist')
    )
    assert_close(distance, torch.full_like(distance, 11.3137), rtol=0, atol=1e-4)


def test_identical_crops_match_patch_by_patch():
    here = grid((10, 20, 150, 170))
    assert pairs(here, here, 49) == [(i, i) for i in range(49)]
    mirrored = grid((10, 20, 150, 170), True)
    assert pairs(here, mirrored, 49) == [
        (7 * k + c, 7 * k + 6 - c) for k in range(7) for c in range(7)
    ]


def test_disjoint_crops_still_give_all_pairs():
    a, b = match(grid((0, 0, 100, 106)), grid((0, 110, 100, 106)), 20)
    assert a.shape == b.shape == (1, 20)
    assert (a.diff() > 0).all()


def slow_match(here, there, count):
    rows = []
    for i, p in enumerate(here.tolist()):
        squares = [(p[0] - q[0]) ** 2 + (p[1] - q[1]) ** 2 for q in there.tolist()]
        best = min(range(len(squares)), key=squares.__getitem__)
        rows.append((squares[best], i, best))
    return sorted((i, best) for _, i, best in sorted(rows)[:count])


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    st.lists(st.tuples(*[st.integers(0, 5)] * 2), min_size=4, max_size=9),
    st.lists(st.tuples(*[st.integers(0, 5)] * 2), min_size=1, max_size=9),
    st.integers(1, 4),
)
def test_matching_equals_the_slow_way_ties_included(here, there, count):
    """Integers give many ties: of equal distances the first patch counts."""
    here, there = torch.tensor(here).float(), torch.tensor(there).float()
    assert pairs(here[None], there[None], count) == slow_match(here, there, count)


def test_matching_ignores_where_and_how_large_the_scene_is():
    here, there = grid((3, 5, 100, 130)), grid((40, 9, 90, 180))
    expected = pairs(here, there, 20)
    assert pairs(here + 64, there + 64, 20) == expected
    assert pairs(2 * here, 2 * there, 20) == expected


def test_permuting_candidates_or_the_batch_permutes_the_result():
    here, there = torch.rand(3, 12, 2), torch.rand(3, 10, 2)
    features = torch.randn(3, 4, 2, 5)
    order = torch.randperm(10)
    _, patches = match(here, there, 6)
    _, permuted = match(here, there[:, order], 6)
    shuffled = features.flatten(2)[..., order].unflatten(2, (2, 5))
    assert torch.equal(gather(features, patches), gather(shuffled, permuted))
    back = match(here.flip(0), there.flip(0), 6)[1]
    assert torch.equal(back.flip(0), patches)


def test_half_precision_positions_are_compared_in_full():
    here, there = torch.rand(1, 9, 2) * 224, torch.rand(1, 9, 2) * 224
    here, there = here.half(), there.half()
    assert pairs(here, there, 5) == pairs(here.float(), there.float(), 5)


def test_gathered_rows_are_those_of_the_patches():
    features = torch.randn(2, 5, 3, 4)
    patches = torch.tensor([[0, 7], [11, 11]])
    rows = gather(features, patches)
    assert rows.shape == (4, 5)
    assert torch.equal(rows[1], features[0, :, 1, 3])
    assert torch.equal(rows[2], features[1, :, 2, 3])


@pytest.mark.parametrize('count', [0, 50])
def test_more_matches_than_patches_are_refused(count):
    with pytest.raises(ValueError, match=rf'between 1 and 49, got {count}'):
        match(grid((0, 0, 9, 9)), grid((0, 0, 9, 9)), count)


def test_all_patches_are_kept_on_demand():
    """49 and -1 keep all, each with its nearest partner."""
    here, there = grid((0, 0, 224, 224)), grid((30, 10, 100, 140), flipped=True)
    kept, partners = match(here, there, -1)
    assert kept.tolist() == [list(range(49))]
    for found, expected in zip(match(here, there, 49), (kept, partners), strict=True):
        assert torch.equal(found, expected)
    slow = (here[0, :, None] - there[0]).square().sum(-1).argmin(1)
    assert torch.equal(partners[0], slow)
