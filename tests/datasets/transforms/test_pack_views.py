"""Views are packed and batched in the order in which they lie in memory."""

import numpy as np
import pytest
import torch
from mmpretrain.datasets.transforms import PackInputs

from rsp.datasets import stacked_collate
from rsp.datasets.transforms import PackViews


def views(seed, count=2):
    rng = np.random.default_rng(seed)
    made = [rng.integers(0, 256, (5, 7, 3), np.uint8) for _ in range(count)]
    # As flips of mmcv leave them.
    return [*made[:-1], made[-1][:, ::-1]]


def items(packer, count=3):
    return [packer(dict(img=views(n), img_path=f'{n}.jpg')) for n in range(count)]


def test_views_are_those_of_pack_inputs_without_a_copy():
    made = views(0)
    ours = PackViews()(dict(img=made, img_path='a.jpg'))
    theirs = PackInputs()(dict(img=made, img_path='a.jpg'))
    assert all(map(torch.equal, ours['inputs'], theirs['inputs']))
    assert ours['inputs'][0].data_ptr() == made[0].ctypes.data
    assert ours['data_samples'].img_path == 'a.jpg'
    one = PackViews()(dict(img=made[0]))['inputs']
    assert torch.equal(one, theirs['inputs'][0])


def test_a_batch_of_them_is_channels_last():
    ours, theirs = (stacked_collate(items(kind())) for kind in (PackViews, PackInputs))
    assert all(map(torch.equal, ours['inputs'], theirs['inputs']))
    for batch in ours['inputs']:
        assert batch.is_contiguous(memory_format=torch.channels_last)
    assert all(batch.is_contiguous() for batch in theirs['inputs'])


def test_single_images_are_batched_so_too():
    single = [PackViews()(dict(img=views(n)[0])) for n in range(3)]
    batch = stacked_collate(single)['inputs']
    assert batch.shape == (3, 3, 5, 7)
    assert batch.is_contiguous(memory_format=torch.channels_last)
    assert (batch[1].permute(1, 2, 0).numpy() == views(1)[0]).all()


def test_other_numbers_of_views_are_refused():
    mixed = [*items(PackViews(), 1), PackViews()(dict(img=views(0, 3)))]
    with pytest.raises(ValueError, match='differ in size or number of views'):
        stacked_collate(mixed)
