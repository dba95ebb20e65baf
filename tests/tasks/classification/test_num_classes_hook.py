"""A classifier whose classes are not those of the data does not start."""

from types import SimpleNamespace

import numpy as np
import pytest
from torch import nn

from rsp.engine.hooks import NumClassesHook
from rsp.engine.test import evaluate, evaluation_config

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
    cfg = evaluation_config(
        f'downstream/classification/{NAME}.py',
        'random',
        'run',
        cfg_options=options | {'model.head.num_classes': 22},
    )
    with pytest.raises(ValueError, match=r'expected 22 classes.*test_dataloader'):
        evaluate(cfg)


def test_a_model_without_head_is_left_alone():
    dataset = SimpleNamespace(metainfo=dict(classes=('a',)), labels=np.array([7]))
    runner = SimpleNamespace(
        model=nn.Identity(),
        cfg={},
        test_dataloader=SimpleNamespace(dataset=dataset),
    )
    NumClassesHook().before_test(runner)


class Model(nn.Module):
    """One with a head for three classes."""

    def __init__(self):
        super().__init__()
        self.head = nn.Module()
        self.head.num_classes = 3


def loader(*classes):
    return SimpleNamespace(dataset=SimpleNamespace(metainfo=dict(classes=classes)))


def test_validation_data_that_number_the_classes_otherwise_are_refused():
    """Capitals sort before small letters: 'Forest' and 'forest' differ in number."""
    runner = SimpleNamespace(
        model=Model(),
        cfg={},
        val_loop=0,
        train_dataloader=loader('Forest', 'River', 'Sea'),
        val_dataloader=loader('River', 'Sea', 'forest'),
    )
    with pytest.raises(ValueError, match="got 'River' for class 0, 'Forest'; check"):
        NumClassesHook().before_train(runner)
    runner.val_dataloader = loader(*'abc')
    runner.train_dataloader.dataset.metainfo = dict(classes=[*'abc'])
    NumClassesHook().before_train(runner)


@pytest.fixture
def tested():
    """Return a function that tests a checkpoint of the classes a, b, c on others."""

    def test(*classes, model=None):
        warnings = []
        runner = SimpleNamespace(
            model=model or Model(),
            cfg={},
            logger=SimpleNamespace(warning=warnings.append),
            test_dataloader=loader(*classes),
        )
        hook = NumClassesHook()
        trained = dict(meta=dict(dataset_meta=dict(classes=('a', 'b', 'c'))))
        hook.after_load_checkpoint(runner, trained)
        hook.before_test(runner)
        return warnings

    return test


def test_test_data_with_the_classes_of_the_checkpoint_in_another_order_are_refused(
    tested,
):
    with pytest.raises(ValueError, match="got 'c' for class 1, 'b'"):
        tested('a', 'c', 'b')


def test_test_data_with_other_names_are_pointed_out(tested):
    (warning,) = tested('a', 'b', 'C')
    assert "got 'C' for class 2, 'c'" in warning
    assert tested('a', 'b', 'c') == []


def test_a_backbone_alone_may_be_tested_on_any_classes(tested):
    assert tested('c', 'b', 'a', model=nn.Identity()) == []
