"""Keys of `model.train_cfg`, `model.test_cfg` and `metainfo`."""

import site
from pathlib import Path

import pytest
from mmengine.config import Config

from rsp.engine.preflight.values import refuse_impossible_values
from rsp.engine.wrong_config.free_keys import refuse_misspelt_keys
from rsp.errors import UserError


def config(**model):
    return Config(dict(model=dict(type='M', **model)))


def test_a_key_nearly_right_is_refused_where_it_stands():
    refuse_misspelt_keys(config(test_cfg=dict(rcnn=dict(score_thr=0.5))))
    with pytest.raises(UserError, match=r"test_cfg\.rcnn\.score_trh; .* 'score_thr'"):
        refuse_misspelt_keys(config(test_cfg=dict(rcnn=dict(score_trh=0.5))))


def test_keys_of_other_projects_pass():
    refuse_misspelt_keys(config(train_cfg=dict(curriculum=1), neck=dict(score_trh=1)))
    # What is built has the arguments of its constructor.
    typed = dict(assigner=dict(type='Mine', strides=3))
    refuse_misspelt_keys(config(train_cfg=typed))


def data(**metainfo):
    return Config(dict(train_dataloader=dict(dataset=dict(metainfo=metainfo))))


@pytest.mark.parametrize(
    ('wrong', 'words'),
    [
        (dict(CLASSES=('a',)), "metainfo.CLASSES; did you mean 'classes'"),
        (dict(palete=[]), "'palette'"),
        (dict(classes=('a', 'b'), palette=[[0, 0, 0]]), 'each of the 2 classes'),
        (dict(palette=[[0, 0]]), 'three whole numbers'),
        (dict(palette=[[0, 0, 0.5]]), 'three whole numbers'),
    ],
)
def test_metainfo(wrong, words):
    refuse_misspelt_keys(data(classes=('a',), palette=[(0, 9, 255)], mine=1))
    with pytest.raises(UserError, match=words.replace('.', r'\.')):
        refuse_misspelt_keys(data(**wrong))


@pytest.mark.slow
@pytest.mark.parametrize('library', ['mmdet', 'mmseg', 'mmrotate', 'mmpretrain'])
def test_no_config_of_a_library_is_refused(library):
    folders = [Path(f) / library / '.mim/configs' for f in site.getsitepackages()]
    files = [f for folder in folders for f in sorted(folder.rglob('*.py'))]
    if not files:
        pytest.skip(f'{library} is not installed')
    read = 0
    for file in files[::20]:
        try:
            cfg = Config.fromfile(file)
        except Exception:
            continue  # Needs another project, or is in pure Python's style.
        refuse_misspelt_keys(cfg)
        refuse_impossible_values(cfg)
        read += 1
    assert read > len(files) / 40
