"""A classifier whose classes are not those of the data does not start."""

from types import SimpleNamespace

import numpy as np
import pytest
from torch import nn

from rsp import evaluation
from rsp.hooks import NumClassesHook

from .conftest import lists, tiny

NAME = 'r50_ucm_finetune'


def test_a_wrong_number_of_classes_is_refused(run_downstream, write_scenes):
    write_scenes('ucm')
    options = tiny(NAME) | lists(NAME, 'ucm_train.txt', 'ucm_test.txt')
    message = r'expected 10 classes, .*got 21 in train_dataloader: agricultural, .*set'
    with pytest.raises(ValueError, match=message):
        run_downstream(
            f'classification/{NAME}.py', options | {'model.head.num_classes': 10}
        )


def test_a_label_without_class_names_its_image(run_downstream, write_scenes, tmp_path):
    write_scenes('ucm')
    file = tmp_path / 'data/ucm/ucm_train.txt'
    file.write_text(file.read_text().replace(' 20\n', ' 21\n'))
    options = tiny(NAME) | lists(NAME, 'ucm_train.txt', 'ucm_test.txt')
    message = r"within 0\.\.20 in train_dataloader, got 21 for '.*/tenniscourt0\d\.tif'"
    with pytest.raises(ValueError, match=message):
        run_downstream(f'classification/{NAME}.py', options)


def test_test_data_is_checked_too(write_scenes, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_scenes('ucm')
    options = tiny(NAME) | lists(NAME, 'ucm_train.txt', 'ucm_test.txt')
    cfg = evaluation.evaluation_config(
        f'downstream/classification/{NAME}.py',
        'random',
        'run',
        cfg_options=options | {'model.head.num_classes': 22},
    )
    with pytest.raises(ValueError, match=r'expected 22 classes.*test_dataloader'):
        evaluation.evaluate(cfg)


def test_a_model_without_head_is_left_alone():
    dataset = SimpleNamespace(metainfo=dict(classes=('a',)), labels=np.array([7]))
    runner = SimpleNamespace(
        model=nn.Identity(),
        cfg={},
        test_dataloader=SimpleNamespace(dataset=dataset),
    )
    NumClassesHook().before_test(runner)
