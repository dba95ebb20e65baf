"""Samples in arrays behave as mmengine's list of dictionaries."""

import pickle

import numpy as np
import pytest

from rsp.datasets import ImageFolder
from rsp.datasets.listing import Samples
from rsp.io.stores import PackedNames

NAMES = ['a/x.jpg', 'b/y z.jpg', 'b/ü.jpg', '/abs/w.jpg']
SCORES = np.arange(8, dtype=np.float32).reshape(4, 2)


@pytest.fixture
def table():
    labels = np.array([3, 0, 1, 2])
    return Samples('root', PackedNames.of(NAMES), gt_label=labels, gt_score=SCORES)


def plain(sample):
    return {
        k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in sample.items()
    }


def test_a_sample_is_a_dictionary_made_anew(table):
    sample = table[1]
    assert plain(sample) == dict(img_path='root/b/y z.jpg', gt_label=0, gt_score=[2, 3])
    assert type(sample['gt_label']) is int
    sample['gt_score'][:] = 9
    assert table[1]['gt_score'].tolist() == [2, 3]


def test_an_absolute_path_stays(table):
    assert table[3]['img_path'] == '/abs/w.jpg'


@pytest.mark.parametrize('index', [slice(2), slice(-2, None), slice(None, None, -1)])
def test_slices_are_those_of_a_list(table, index):
    assert [*map(plain, table[index])] == [*map(plain, [*table][index])]


def test_taken_samples_are_in_that_order_and_count_from_the_end(table):
    expected = [table[n] for n in (2, -1, 2)]
    assert [*map(plain, table.take([2, -1, 2]))] == [*map(plain, expected)]
    with pytest.raises(IndexError):
        table.take([4])
    assert len(table.take([])) == 0


def test_samples_travel_to_workers(table):
    assert [*map(plain, pickle.loads(pickle.dumps(table)))] == [*map(plain, table)]


@pytest.mark.parametrize('indices', [2, -3, 0, [3, 1], (0,), []])
def test_subsets_have_the_samples_and_labels_of_their_places(write_images, indices):
    root = write_images('photos', [f'{c}/{n}.jpg' for c in 'ab' for n in range(2)])
    whole = ImageFolder(str(root))
    infos = [whole.get_data_info(n) for n in range(4)]
    expected = infos[:indices] if isinstance(indices, int) and indices >= 0 else (
        infos[indices:] if isinstance(indices, int) else [infos[n] for n in indices]
    )  # fmt: skip
    paths = [info['img_path'] for info in expected]
    assert whole.labels.tolist() == [0, 0, 1, 1]
    subset = whole.get_subset(indices)
    again = ImageFolder(str(root), serialize_data=True)
    again.get_subset_(indices)
    for part in (subset, again):
        assert len(part) == len(paths)
        found = [part.get_data_info(n) for n in range(len(part))]
        assert [info['img_path'] for info in found] == paths
        assert [info['sample_idx'] for info in found] == [*range(len(paths))]
        assert part.labels.tolist() == [info['gt_label'] for info in expected]
    assert len(whole) == 4


def test_numbers_count_from_the_end_as_mmengine_has_them(write_images):
    dataset = ImageFolder(str(write_images('photos', ['a/x.jpg', 'a/y.jpg'])))
    assert dataset.get_data_info(-1) == dataset.get_data_info(1)
    assert dataset.get_data_info(-1)['sample_idx'] == 1
    assert dataset.get_cat_ids(0) == [0]
