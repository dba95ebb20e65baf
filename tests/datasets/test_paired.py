import random

import numpy as np
import pytest
import torch
from mmpretrain.structures import DataSample
from torch.utils.data import DataLoader, Dataset

from rsp.datasets import (
    PairedDataset,
    PairedSampler,
    SampleIndex,
    paired_collate,
)
from rsp.datasets.seeding import item_seed


class Numbers(Dataset):
    """A source whose images hold their own number, and noise as augmentation."""

    def __init__(self, length, labeled=False, views=1):
        self.length, self.labeled, self.views = length, labeled, views

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        sample = DataSample(metainfo=dict(img_path=f'{index}.jpg'))
        if self.labeled:
            sample.set_gt_label(index % 3)
        views = [
            torch.tensor([index, np.random.random(), random.random(), torch.rand(1)])
            for _ in range(self.views)
        ]
        return dict(inputs=views if self.views > 1 else views[0], data_samples=sample)


def paired(remote=5, natural=3, **kwargs):
    sources = dict(remote=Numbers(remote, views=2), natural=Numbers(natural, True))
    return PairedDataset(sources, **kwargs)


def draws(dataset, epoch=0, seed=0, **kwargs):
    sampler = PairedSampler(dataset, seed=seed, **kwargs)
    sampler.set_epoch(epoch)
    return list(sampler)


@pytest.mark.parametrize(
    ('remote', 'natural', 'pairs'),
    [
        (3, 5, [(0, 0), (1, 1), (2, 2), (0, 3), (1, 4)]),
        (5, 3, [(0, 0), (1, 1), (2, 2), (3, 0), (4, 1)]),
        (4, 4, [(0, 0), (1, 1), (2, 2), (3, 3)]),
    ],
)
def test_modulo_pairing_is_the_official_one(remote, natural, pairs):
    dataset = paired(remote, natural, pairing='modulo')
    assert len(dataset) == max(remote, natural)
    in_order = [draw.indices for draw in draws(dataset, shuffle=False)]
    assert in_order == pairs


def test_modulo_epochs_permute_the_same_pairs():
    dataset = paired(30, 7, pairing='modulo')
    first, second = (
        [draw.indices for draw in draws(dataset, epoch)] for epoch in (0, 1)
    )
    assert first != second
    assert sorted(first) == sorted(second)


def test_each_epoch_draws_new_pairs_and_covers_the_sources():
    dataset = paired(30, 7)
    epochs = [[draw.indices for draw in draws(dataset, epoch)] for epoch in range(2)]
    for pairs in epochs:
        scenes, photos = np.array(pairs).T
        assert sorted(scenes) == list(range(30))
        counts = np.bincount(photos, minlength=7)
        assert counts.min() == 4
        assert counts.max() == 5
    assert set(epochs[0]) != set(epochs[1])
    assert [draw.indices for draw in draws(dataset, 0)] == epochs[0]
    assert [draw.indices for draw in draws(dataset, 0, seed=1)] != epochs[0]


def test_the_ranks_share_an_epoch(monkeypatch):
    """The union over ranks is the epoch, plus what fills up."""
    dataset = paired(11, 4)
    alone = draws(dataset, epoch=2)
    parts = []
    for rank in range(2):
        monkeypatch.setattr(
            'mmengine.dataset.sampler.get_dist_info', lambda r=rank: (r, 2)
        )
        parts.append(draws(dataset, epoch=2))
    assert len(parts[0]) == len(parts[1]) == 6
    merged = [draw for pair in zip(*parts, strict=True) for draw in pair]
    assert [draw.indices for draw in merged[:11]] == [draw.indices for draw in alone]
    assert merged[11].indices == alone[0].indices


@pytest.mark.parametrize(
    ('length', 'world_size', 'batch_size', 'iterations'),
    [(1_281_167, 8, 32, 5004), (10, 2, 2, 2), (1_281_167, 1, 32, 40_036)],
)
def test_iterations_per_epoch(monkeypatch, length, world_size, batch_size, iterations):
    monkeypatch.setattr(
        'mmengine.dataset.sampler.get_dist_info', lambda: (0, world_size)
    )
    dataset = paired(7, length)
    sampler = PairedSampler(dataset, seed=0)
    loader = DataLoader(dataset, batch_size, sampler=sampler, drop_last=True)
    assert len(loader) == iterations


def test_a_ratio_gives_more_of_a_source_per_item():
    dataset = paired(12, 3, ratio=dict(remote=3))
    assert len(dataset) == 4
    item = dataset[SampleIndex((4, 8, 1, 2), seed=0)]
    assert [int(s['inputs'][0][0]) for s in item['remote']] == [4, 8, 1]
    assert [int(s['inputs'][0]) for s in item['natural']] == [2]
    scenes = [i for draw in draws(dataset) for i in draw.indices[:3]]
    assert sorted(scenes) == list(range(12))


def test_augmentations_belong_to_the_draw():
    """Not to the worker, its number, or where a run was resumed."""
    dataset = paired()
    sampler = PairedSampler(dataset, seed=0)
    batches = []
    for workers in (0, 2):
        loader = DataLoader(
            dataset, 2, sampler=sampler, num_workers=workers, collate_fn=paired_collate
        )
        batches.append([batch['remote']['inputs'][0] for batch in loader])
    assert all(torch.equal(a, b) for a, b in zip(*batches, strict=True))
    noise = torch.cat(batches[0])[:, 1:]
    assert len(noise.unique()) == noise.numel()


def test_persistent_workers_see_each_epochs_pairs():
    dataset = paired(9, 4)
    sampler = PairedSampler(dataset, seed=0)
    loader = DataLoader(
        dataset,
        3,
        sampler=sampler,
        num_workers=1,
        persistent_workers=True,
        collate_fn=paired_collate,
    )
    for epoch in range(2):
        sampler.set_epoch(epoch)
        loaded = [
            (int(scene[0]), int(photo[0]))
            for batch in loader
            for scene, photo in zip(
                batch['remote']['inputs'][0], batch['natural']['inputs'], strict=True
            )
        ]
        assert loaded == [draw.indices for draw in draws(dataset, epoch)]


def test_item_seed_puts_the_generators_back():
    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    expected = random.random(), np.random.random(), torch.rand(1).item()
    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    with item_seed(7):
        inside = random.random(), np.random.random(), torch.rand(1).item()
    assert (random.random(), np.random.random(), torch.rand(1).item()) == expected
    with item_seed(7):
        assert (random.random(), np.random.random(), torch.rand(1).item()) == inside


def test_a_batch_holds_views_labels_and_paths():
    """Two views of one scene, one photo with its label."""
    dataset = paired()
    batch = paired_collate(
        [dataset[SampleIndex((4, 2), 0)], dataset[SampleIndex((3, 1), 1)]]
    )
    first, second = batch['remote']['inputs']
    assert first.shape == second.shape == (2, 4)
    assert first[:, 0].tolist() == second[:, 0].tolist() == [4, 3]
    assert not torch.equal(first, second)
    assert batch['natural']['inputs'].shape == (2, 4)
    assert batch['natural']['data_samples'].gt_label.tolist() == [2, 1]
    assert batch['natural']['data_samples'].img_path == ['2.jpg', '1.jpg']
    assert 'gt_label' not in batch['remote']['data_samples']


def test_images_of_different_size_are_refused_with_their_files():
    items = [
        dict(remote=[dict(inputs=torch.zeros(3, side, 4), data_samples=sample)])
        for side, sample in (
            (4, DataSample(metainfo=dict(img_path='a.jpg'))),
            (5, DataSample(metainfo=dict(img_path='b.jpg'))),
        )
    ]
    with pytest.raises(ValueError, match=r"source 'remote': .* differ.*a\.jpg.*b\.jpg"):
        paired_collate(items)


def test_another_sampler_is_refused():
    with pytest.raises(ValueError, match=r"got 3; .*type='rsp\.PairedSampler'"):
        paired()[3]


def test_an_empty_source_is_refused_with_its_key():
    with pytest.raises(ValueError, match=r'dataset\.sources\.remote: expected at'):
        paired(remote=0)


def test_a_missing_folder_is_refused_with_its_key(tmp_path):
    source = dict(type='rsp.ImageFolder', data_root=f'{tmp_path}/nowhere')
    with pytest.raises(
        FileNotFoundError, match=r"sources\.remote: expected a folder.*nowhere'"
    ):
        PairedDataset(dict(remote=source, natural=Numbers(3)))


def test_no_source_is_refused():
    with pytest.raises(ValueError, match="at least one source, got none; set 'sources"):
        PairedDataset({})


def test_an_unknown_pairing_is_refused():
    with pytest.raises(ValueError, match="'shuffle', 'modulo', got 'random'"):
        paired(pairing='random')


@pytest.mark.parametrize('ratio', [dict(remote=0), dict(remote=1.5), dict(scenes=2)])
def test_a_wrong_ratio_is_refused(ratio):
    with pytest.raises(ValueError, match=r"'ratio' .*\['natural', 'remote'\], got"):
        paired(ratio=ratio)
