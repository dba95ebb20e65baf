"""Check the task's page: commands work, numbers agree with the headers."""

import re

from rsp.engine.train import build_runner, training_config
from rsp.io.configs import config_folder
from rsp.prepare.splits.class_folders import list_folder, write_split
from rsp.tasks.classification import SCENE_SETS
from rsp.tasks.classification.splits import stratified_split

FOLDER = config_folder() / 'downstream/classification'
PAGE = (FOLDER / 'README.md').read_text()


def rows(title: str) -> dict[str, list[str]]:
    """Rows of the table whose head starts like this, by their first column."""
    table = re.search(
        rf'^{re.escape(title)}.*\n(?:\|.*\n)+', PAGE, re.MULTILINE
    ).group()
    cells = [[c.strip() for c in line.split('|')[1:-1]] for line in table.splitlines()]
    return {row[0]: row[1:] for row in cells[2:]}


def test_a_config_for_own_images_trains(write_images, tmp_path, monkeypatch):
    (lines,) = re.findall(r'```python\n(_base_ = .*?)```', PAGE, re.DOTALL)
    lines = lines.replace("'./configs/", f"'{FOLDER.parents[1]}/")
    (tmp_path / 'mine.py').write_text(lines)
    names = [f'{chr(97 + i)}/{n}.png' for i in range(12) for n in range(2)]
    root = write_images('data/mine/images', names, size=(20, 24))
    parts = stratified_split(list_folder(root), 0.5)
    write_split(tmp_path / 'data/mine', 'mine', *parts)
    monkeypatch.chdir(tmp_path)
    cfg = training_config(
        'mine.py',
        work_dir='run',
        cfg_options={
            'model.backbone.depth': 18,
            'model.backbone.base_channels': 8,
            'model.backbone.stem_channels': 8,
            'model.head.in_channels': 64,
            'train_dataloader.dataset.pipeline.1.scale': 32,
            'val_dataloader.dataset.pipeline.1.scale': 36,
            'val_dataloader.dataset.pipeline.2.crop_size': 32,
            'train_dataloader.batch_size': 6,
            'train_dataloader.num_workers': 0,
            'train_dataloader.persistent_workers': False,
            'val_dataloader.num_workers': 0,
            'val_dataloader.persistent_workers': False,
            'train_cfg.max_epochs': 1,
            'train_cfg.val_interval': 1,
        },
    )
    runner = build_runner(cfg)
    runner.train()
    assert runner.iter == 2
    hits = runner.message_hub.get_scalar('val/accuracy/top1').current() * 12 / 100
    assert abs(hits - round(hits)) < 1e-4


def test_headers_quote_the_published_rows():
    table = rows('| Pre-training | Dataset |')
    assert len(table) == 11
    for column, data in ((1, 'eurosat'), (2, 'resisc45')):
        header = (FOLDER / f'r50_{data}_finetune.py').read_text().split('\n_base_')[0]
        quoted = ' '.join(header.replace('#', ' ').split()).replace('+-', '±')
        for row in ('IMP', 'MoCo-IN', 'MoCo-MAID', 'GeRSP', 'GeRSP-200'):
            assert f'{row} {table[row][column]}' in quoted
    cmid = rows('| Pre-training | UC Merced |')
    for arch, row in (('r50', 'CMID R50'), ('swin-b', 'CMID Swin-B')):
        header = (FOLDER / f'{arch}_ucm_finetune-cmid.py').read_text()
        assert cmid[f'{row}, Million-AID 200 epochs'][0] in header


def test_published_accuracies_of_cmid_leave_test_images_out():
    """All but one are multiples of 1/384 or 1/416, as the page says."""
    values = {float(v) for (v,) in rows('| Pre-training | UC Merced |').values()}
    odd = {
        v
        for v in values
        if not any(abs(round(v * n / 100) / n * 100 - v) < 0.0051 for n in (384, 416))
    }
    assert odd == {99.16}


def test_page_and_classes_agree():
    data = rows('| data | images, classes |')
    for row, name in (('EuroSAT (RGB)', 'eurosat'), ('AID', 'aid')):
        parts = SCENE_SETS[name].split()
        counts = [
            f'{sum(map(len, parts[part].values())):,}' for part in ('train', 'test')
        ]
        assert f'{counts[0]} and {counts[1]}' in data[row][1]
