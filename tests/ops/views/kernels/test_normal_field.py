"""Fields of noise: normal, independent, and the same on the host and on a device."""

import numpy as np
import pytest
import torch
from scipy import stats

from rsp.ops.views.kernels.normal_field import normal_field, normal_fields, normal_table


@pytest.mark.parametrize('shape', [(6, 5, 3), (7, 5, 3), (1, 1, 1)])
def test_host_and_device_give_the_same_field(shape):
    seeds = [0, 5, 2**31 - 1]
    fields = normal_fields(torch.tensor(seeds, dtype=torch.float64), shape)
    assert fields.shape == (3, *shape)
    for seed, field in zip(seeds, fields, strict=True):
        assert np.array_equal(field.numpy(), normal_field(seed, shape))


def test_words_are_hashed_as_in_whole_numbers_of_32_bits():
    def mix(word):
        word = ((word ^ word >> 16) * 0x7FEB352D) % 2**32
        word = ((word ^ word >> 15) * 0x846CA68B) % 2**32
        return word ^ word >> 16

    words = [mix((mix(77) + n * 0x9E3779B9) % 2**32) for n in range(3)]
    choices = [word >> 16 for word in words] + [word & 0xFFFF for word in words]
    expected = normal_table()[choices]
    assert torch.equal(normal_fields(torch.tensor([77]), (2, 3, 1)).ravel(), expected)


def test_values_are_normal():
    field = normal_fields(torch.arange(40), (64, 48, 3)).double().numpy()
    assert stats.kstest(field.ravel(), 'norm').pvalue > 0.01
    assert field.var() == pytest.approx(1, abs=0.01)
    assert normal_table().double().square().mean() == pytest.approx(1, abs=1e-6)


def test_places_bands_and_seeds_are_independent():
    field = normal_fields(torch.arange(64), (32, 24, 3)).numpy()
    for axis in range(4):
        for lag in (1, 2):
            ahead = np.take(field, range(lag, field.shape[axis]), axis)
            behind = np.take(field, range(field.shape[axis] - lag), axis)
            for power in (1, 2):
                pairs = (ahead**power).ravel(), (behind**power).ravel()
                bound = 4.5 / np.sqrt(ahead.size)
                assert abs(np.corrcoef(*pairs)[0, 1]) < bound
    # Values of the two halves of one word.
    first, second = field.reshape(64, 2, -1).transpose(1, 0, 2).reshape(2, -1)
    assert abs(np.corrcoef(first, second)[0, 1]) < 4.5 / np.sqrt(first.size)
