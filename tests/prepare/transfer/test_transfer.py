import csv
import json
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from rsp.cli import main
from rsp.engine.cfg_options import parse_options
from rsp.engine.train import load_config
from rsp.errors import UserError
from rsp.evaluation.scores import Score
from rsp.io.configs import find_config
from rsp.prepare.transfer.checks import Checked, name_checkpoints
from rsp.prepare.transfer.compare import compare
from rsp.prepare.transfer.runs import data_options, plan_runs, slurm_line
from rsp.prepare.transfer.table import Result, markdown, page, write_tables
from rsp.prepare.transfer.tasks import MINI, TASKS, find_tasks, with_shares

EVIL = '<script>|x'


@pytest.mark.parametrize('task', [*TASKS, *MINI], ids=lambda task: task.name)
@pytest.mark.parametrize('protocol', ['finetune', 'linear', 'frozen'])
def test_every_task_names_a_config_that_is_shipped(task, protocol):
    backbone = 'r18' if task in MINI else 'r50'
    if protocol == 'linear' and task.probe is None:
        with pytest.raises(UserError, match='take --protocol frozen'):
            task.recipe(protocol, backbone)
        return
    config, _, _, trains = task.recipe(protocol, backbone)
    assert find_config(f'downstream/{config}')
    assert trains == (protocol == 'finetune' or task.probe is None)


@pytest.mark.parametrize('task', MINI, ids=lambda task: task.name)
def test_overrides_of_a_mini_task_fit_its_config(task):
    config, _, options, _ = task.recipe('finetune', 'r18')
    words = parse_options(options)
    cfg = load_config(f'downstream/{config}', None, 'none', words)
    assert cfg.model.backbone.depth == 18
    resizes = [
        step
        for loader in ('train_dataloader', 'val_dataloader')
        for step in cfg[loader].dataset.pipeline
        if step.type == 'mmdet.Resize'
    ]
    # mmdet takes a tuple and refuses a list.
    assert all(isinstance(step.scale, tuple) for step in resizes)


def test_an_unknown_task_is_told_with_those_there_are():
    with pytest.raises(UserError, match=r'eurosat, .*levir-cd.*got mars; correct'):
        find_tasks(['eurosat', 'mars'])


def test_checkpoints_are_named_by_what_tells_them_apart(tmp_path):
    files = [tmp_path / 'gersp' / 'epoch_1.pth', tmp_path / 'moco' / 'epoch_1.pth']
    for file in files:
        file.parent.mkdir()
        file.touch()
    names = name_checkpoints([*map(str, files), 'random'])
    assert [*names] == ['gersp-epoch_1', 'moco-epoch_1', 'random']
    with pytest.raises(UserError, match='is no file'):
        name_checkpoints(['nowhere.pth'])
    with pytest.raises(UserError, match='different checkpoints'):
        name_checkpoints(['random', 'random'])


@pytest.fixture
def plan(tmp_path):
    """Return a function that plans the mini classification for a file and 'random'."""
    file = tmp_path / 'net.pth'
    torch.save({}, file)

    def make(protocol='finetune', seeds=1, task=MINI[0], **options):
        names = dict(net=str(file), random='random')
        return plan_runs(task, names, seeds, protocol, 'r18', tmp_path, **options)

    return make


def test_a_run_goes_on_with_its_weights_and_seed(plan):
    first, _, untrained, _ = plan(seeds=2, options=['a=1'])
    words = first.training
    assert words[0] == 'train'
    assert '--resume' in words
    assert words[words.index('--pretrained') + 1] == first.checkpoint
    assert {'randomness.seed=0', 'a=1'} <= {*words}
    assert '--pretrained' not in untrained.training
    assert untrained.folder.name == 'seed_0'
    line = slurm_line(first, 'gpu')
    assert line.startswith('bash tools/slurm_train.sh gpu eurosat-mini-net-0 ')


def test_a_probe_of_random_weights_re_estimates_batch_norm(plan):
    # A probe of a file draws nothing: its second seed would be the same number.
    net, untrained, _ = plan('linear', seeds=2)
    assert net.training == []
    assert net.testing[:3] == ['test', net.config, net.checkpoint]
    assert 'test_cfg.reestimate_batch_norm=True' in untrained.testing
    assert 'test_cfg.reestimate_batch_norm=True' not in net.testing


def test_what_did_best_in_validation_is_tested(plan):
    run = plan()[0]
    run.prepare()
    (run.folder / 'last_checkpoint').write_text('iter_9.pth')
    assert run.testing[2] == 'iter_9.pth'
    (run.folder / 'best_mIoU_iter_4.pth').touch()
    assert run.testing[2] == str(run.folder / 'best_mIoU_iter_4.pth')


def test_a_score_is_kept_and_another_run_is_refused(plan):
    run = plan('linear')[0]
    assert run.score() is None
    run.prepare()
    assert run.score() is None
    (run.folder / 'metrics.json').write_text('{"linear/top1": 61.5}')
    assert run.finish() == 61.5
    run.prepare()
    assert run.score() == 61.5
    other = plan('linear', options=['model.neck.type=None'])[0]
    with pytest.raises(UserError, match='choose another --out'):
        other.score()
    (run.folder / 'metrics.json').write_text('{"knn/top1": 61.5}')
    with pytest.raises(UserError, match="expected 'linear/top1' among"):
        run.finish()


def test_shares_of_the_images_are_tasks_of_their_own():
    dior, few = with_shares(find_tasks(['dior']), [100, 5])
    assert dior == find_tasks(['dior'])[0]
    assert (few.name, few.share, [*few.published]) == ('dior-5percent', 5, [])
    assert few.config == dior.config
    with pytest.raises(UserError, match='--shares, per cent'):
        with_shares(MINI, [120])


def test_a_share_is_drawn_by_the_seed_for_all_checkpoints(plan, write_images, tmp_path):
    for name in 'abcdefghij':
        write_images(f'scenes/{name}', ['0.png', '1.png'], (8, 8))
    key = 'train_dataloader.dataset'
    words = [f'{key}.data_root={tmp_path}', f'{key}.data_prefix=scenes']
    (few,) = with_shares(MINI[:1], [25])
    runs = plan(task=few, seeds=2, options=words)
    assert [run.config == runs[0].config for run in runs] == [True, False] * 2
    drawn = []
    for run in runs[:2]:
        cfg = load_config(run.config, None, 'none', parse_options(run.options))
        drawn.append(cfg.train_dataloader.dataset.indices)
    # As many items as before, of a quarter of the images.
    assert [len(indices) for indices in drawn] == [20, 20]
    assert [len({*indices}) for indices in drawn] == [5, 5]
    assert drawn[0] != drawn[1]
    # All else is as it was.
    whole = load_config(plan()[0].config, None, 'none', parse_options(runs[0].options))
    del cfg.train_dataloader.dataset['indices']
    whole.work_dir = cfg.work_dir
    assert cfg.to_dict() == whole.to_dict()
    with pytest.raises(UserError, match='rsp analyze probe, which has shares'):
        plan('linear', task=few)


def test_data_are_read_below_another_folder():
    loader = dict(dataset=dict(data_root='data/levir-cd_256'))
    cfg = Config(dict(train_dataloader=loader, test_dataloader=dict(dataset={})))
    assert data_options(cfg, '/disk') == [
        'train_dataloader.dataset.data_root=/disk/levir-cd_256'
    ]
    assert data_options(cfg, None) == []
    loader['dataset']['data_root'] = 'data/quickstart/probe'
    assert data_options(Config(dict(train_dataloader=loader)), '/disk') == []


@pytest.fixture
def results():
    scores = {'net': Score((60.0, 62.0)), EVIL: Score((50.0, 50.5))}
    return [
        Result(TASKS[0], Checked({'net': 100.0}, 0.25), scores),
        Result(TASKS[4], skipped=f'no data in {EVIL}'),
    ]


def test_tables_hold_scores_leaks_and_the_papers(results, tmp_path):
    write_tables(results, tmp_path, 'finetune', 2)
    text = (tmp_path / 'transfer.md').read_text()
    assert '**61.00 ± 1.41 [48.29, 73.71]**' in text
    assert '| 0.25 % |' in text
    assert '| eurosat | GeRSP-100 | 97.87 ± 0.15 | GeRSP, TGRS 2024 |' in text
    assert 'Left out: dior: no data' in text
    with (tmp_path / 'transfer.csv').open() as file:
        rows = [*csv.DictReader(file)]
    assert [(row['checkpoint'], row['mean']) for row in rows] == [
        ('net', '61.0'),
        (EVIL, '50.25'),
    ]
    assert json.loads((tmp_path / 'transfer.json').read_text())['eurosat']['scores']


def test_names_are_text(results):
    html = page(results, 'title')
    assert '<script>' not in html
    assert '&lt;script&gt;' in html
    assert "default-src 'none'" in html
    assert '<script>|x' not in markdown(results, 'title')


def test_a_task_without_its_data_ends_before_anything_runs(tmp_path, plan):
    file = plan()[0].checkpoint
    options = dict(out=tmp_path / 'out', backbone='r18', data=str(tmp_path / 'none'))
    with pytest.raises(UserError, match='vehicle-mini: train_dataloader'):
        compare(MINI[1:2], [file], **options)
    told = []
    with pytest.raises(UserError, match='no task is left'):
        compare(MINI[1:3], [file], keep_going=True, tell=told.append, **options)
    assert [line.split(':')[0] for line in told] == [
        'vehicle-mini is left out',
        'dota-mini is left out',
    ]


@pytest.mark.slow
def test_a_comparison_runs_and_goes_on(tmp_path, capsys):
    words = ['transfer', 'random', '--tasks', 'eurosat-mini', '--protocol', 'linear']
    words += ['--backbone', 'r18', '--seeds', '1', '--out', str(tmp_path)]
    main(argv=words)
    first = capsys.readouterr().out
    assert 'eurosat-mini, random, seed 0 ...' in first
    main(argv=words)
    again = capsys.readouterr().out
    assert '...' not in again
    assert again.splitlines()[1] == first.splitlines()[2]
    assert Path(tmp_path, 'transfer.html').is_file()
