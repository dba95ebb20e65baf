import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rsp.datasets.samplers.pairing import balanced_draw, modulo_draw

sizes = st.integers(1, 40)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(sizes, st.integers(0, 120), st.integers(0, 2**32 - 1))
def test_every_image_comes_as_often_as_any_other(num_images, num_slots, seed):
    draw = balanced_draw(num_images, num_slots, np.random.default_rng(seed))
    counts = np.bincount(draw, minlength=num_images)
    assert len(draw) == num_slots
    assert len(counts) == num_images
    assert counts.max() - counts.min() <= 1
    # Rounds come one after another: a first repeat needs a full round before it.
    assert len(set(draw[:num_images].tolist())) == min(num_images, num_slots)


def test_which_images_get_the_extra_turn_is_random():
    extra = {
        int(np.bincount(balanced_draw(5, 6, np.random.default_rng(seed))).argmax())
        for seed in range(60)
    }
    assert extra == set(range(5))


def test_modulo_draw_counts_around():
    assert modulo_draw(3, 5).tolist() == [0, 1, 2, 0, 1]
    assert modulo_draw(5, 5).tolist() == [0, 1, 2, 3, 4]


def test_modulo_draw_at_full_size():
    """ImageNet's length over Million-AID's."""
    draw = modulo_draw(990_848, 1_281_167)
    counts = np.bincount(draw)
    assert counts[290_318] == 2
    assert counts[290_319] == 1
    assert draw[990_848] == 0
