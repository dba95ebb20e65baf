import random

import numpy as np
import pytest
import torch
from mmpretrain.structures import DataSample

from rsp.datasets import PairedSampler, SeededDataset, stacked_collate
from rsp.datasets.seeding import item_seed, states_kept


class Random:
    """Items that hold their number and a random number of NumPy and torch each."""

    def __len__(self):
        return 6

    def __getitem__(self, index):
        return index, np.random.rand(), torch.rand(()).item()


def epoch_of(number, seed=1, start=0):
    dataset = SeededDataset(Random())
    sampler = PairedSampler(dataset, shuffle=True, seed=seed)
    sampler.set_epoch(number)
    np.random.rand(start)  # what a worker has drawn before
    return [dataset[draw] for draw in sampler]


def test_every_image_comes_once():
    assert sorted(item[0] for item in epoch_of(0)) == list(range(6))


def test_augmentations_follow_from_seed_epoch_and_item():
    assert epoch_of(3) == epoch_of(3, start=5)
    assert epoch_of(3) != epoch_of(4)
    assert epoch_of(3) != epoch_of(3, seed=2)


def test_a_plain_index_is_refused():
    with pytest.raises(ValueError, match=r'drawn by the sampler, got 3; .*rsp\.Paired'):
        SeededDataset(Random())[3]


def sample(value, label=None, size=4):
    info = DataSample(metainfo=dict(img_path=f'{value}.jpg'))
    info.set_field(torch.full((2, 3), value), 'masks')
    if label is not None:
        info.set_gt_label(label)
    views = [torch.full((3, size, size), value), torch.zeros(3, size, size)]
    return dict(inputs=views, data_samples=info)


def test_fields_are_stacked_and_labels_joined():
    batch = stacked_collate([sample(1, 5), sample(2, 6)])
    assert [tuple(view.shape) for view in batch['inputs']] == [(2, 3, 4, 4)] * 2
    assert batch['data_samples'].masks.tolist() == [[[1] * 3] * 2, [[2] * 3] * 2]
    assert batch['data_samples'].gt_label.tolist() == [5, 6]
    assert batch['data_samples'].img_path == ['1.jpg', '2.jpg']


def test_labels_some_samples_lack_are_left_out():
    batch = stacked_collate([sample(1, 5), sample(2)])
    assert 'gt_label' not in batch['data_samples']


def test_images_of_different_size_are_refused_with_their_files():
    with pytest.raises(ValueError, match=r'differ in size .*1\.jpg.*2\.jpg'):
        stacked_collate([sample(1), sample(2, size=5)])


def test_a_batch_leaves_the_generators_as_they_were():
    dataset = SeededDataset(Random())
    draws = list(PairedSampler(dataset, shuffle=True, seed=1))
    for drawn in (
        lambda: dataset.__getitems__(draws),
        lambda: [dataset[draw] for draw in draws],
    ):
        random.seed(7), np.random.seed(7), torch.manual_seed(7)
        np.random.randn()  # The second number of a pair is part of the state.
        wanted = random.random(), np.random.randn(), torch.rand(()).item()
        random.seed(7), np.random.seed(7), torch.manual_seed(7)
        np.random.randn()
        items = drawn()
        assert (random.random(), np.random.randn(), torch.rand(()).item()) == wanted
        assert items == [dataset[draw] for draw in draws]


def test_an_item_that_fails_leaves_the_generators_as_they_were():
    np.random.seed(7)
    wanted = np.random.rand()
    np.random.seed(7)
    with pytest.raises(KeyError), states_kept(), item_seed(3):
        raise KeyError
    assert np.random.rand() == wanted
    with item_seed(3):
        first = np.random.rand()
    np.random.seed(3)
    assert first == np.random.rand()
