"""Configs that need other libraries: their bases, and what is not installed."""

import pytest

from rsp import errors
from rsp.engine.wrong_config import read_config
from rsp.errors import UserError


@pytest.mark.parametrize(
    ('base', 'key'),
    [
        ('mmseg::fcn/fcn_r50-d8_4xb2-40k_cityscapes-512x1024.py', 'model.decode_head'),
        ('mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py', 'model.rpn_head'),
        ('mmpretrain::byol/byol_resnet50_16xb256-coslr-200e_in1k.py', 'model.neck'),
    ],
)
def test_bases_in_other_libraries_are_found(base, key, tmp_path):
    pytest.importorskip(base.partition(':')[0])
    file = tmp_path / 'own.py'
    file.write_text(f'_base_ = {base!r}\n')
    *parents, last = key.split('.')
    part = read_config(file)
    for name in parents:
        part = part[name]
    assert last in part


def test_a_task_whose_library_is_not_installed_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(errors.EXTRAS, 'full', 'not_installed')
    (tmp_path / 'part_of_a_task.py').write_text('import not_installed\n')
    file = tmp_path / 'own.py'
    file.write_text("custom_imports = dict(imports=['part_of_a_task'])\n")
    told = "'part_of_a_task': expected the package 'not_installed'.*pretrain.full"
    with pytest.raises(UserError, match=told):
        read_config(file)
