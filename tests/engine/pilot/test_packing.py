"""Samples of a run's images, packed and read in the place of all."""

import numpy as np
import pytest
from mmengine.config import Config
from PIL import Image

from rsp.datasets import ImageFolder, PairedDataset, SeededDataset
from rsp.engine.pilot.packing import folders_of, pack_samples


def write(folder, count):
    for number in range(count):
        file = folder / f'class_{number % 2}' / f'{number:02d}.png'
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((9, 7, 3), number, np.uint8)).save(file)


@pytest.mark.slow  # Packing starts workers of its own.
def test_a_sample_of_each_folder_is_read_from_stores_under_its_names(tmp_path):
    write(tmp_path / 'remote', 12)
    write(tmp_path / 'natural', 6)
    cfg = dict(
        type='rsp.PairedDataset',
        sources={
            name: dict(
                type='rsp.ImageFolder', data_root=str(tmp_path), data_prefix=name
            )
            for name in ('remote', 'natural')
        },
    )
    built = SeededDataset(PairedDataset(sources=cfg['sources']))
    folders = [*folders_of(built, Config(cfg), 'train_dataloader.dataset', 4)]
    assert [found['key'] for found in folders] == [
        'train_dataloader.dataset.sources.remote',
        'train_dataloader.dataset.sources.natural',
    ]
    assert [len(found['names']) for found in folders] == [4, 3]

    place = tmp_path / 'place'
    place.mkdir()
    options = dict(word.split('=') for word in pack_samples(folders, place))
    for found in folders:
        data = ImageFolder(
            **{
                key: options[f'{found["key"]}.{key}']
                for key in ('store', 'data_root', 'data_prefix')
            }
        )
        read = [data.get_data_info(i)['img_path'] for i in range(len(data))]
        assert sorted(name.split('class_')[1] for name in read) == sorted(
            name.split('class_')[1] for name in found['names']
        )


def test_what_is_packed_or_listed_in_a_file_is_left_alone(tmp_path):
    write(tmp_path / 'images', 4)
    (tmp_path / 'list.txt').write_text('class_0/00.png 0\nclass_1/01.png 1\n')
    data = ImageFolder(
        data_prefix=str(tmp_path / 'images'), ann_file=str(tmp_path / 'list.txt')
    )
    assert [*folders_of(data, dict(type='rsp.ImageFolder'), 'k', 4)] == []
