"""Check that what the documentation names exists, and what it shows works."""

import itertools
import json
import re
import runpy
import shlex
import statistics
import sys
from argparse import ArgumentParser
from pathlib import Path

import pytest
import torch
import yaml
from mmengine.config import Config
from modelindex.load_model_index import load as load_index
from torchvision.models import resnet50

from rsp.cli import main
from rsp.engine.train import build_runner, training_config
from rsp.io import configs as config_files
from rsp.registry import MODELS

ROOT = config_files.config_folder().parent
PAGES = [ROOT / 'README.md', ROOT / 'CONTRIBUTING.md', *sorted(ROOT.glob('docs/*.md'))]
PAGES += sorted(ROOT.glob('configs/**/*.md')) + sorted(ROOT.glob('projects/**/*.md'))
METAFILES = sorted(ROOT.glob('configs/*/metafile.yml'))
# Blocks that tests of this file run, by page.
RUN = {'docs/backbones.md': 1, 'docs/scaling.md': 1}
# Arguments that a config leaves to the defaults of their classes.
DEFAULTS = set(
    'ann_file bands base_channels optimizer_type probe stem_channels strides'.split()
)
NAMED = re.compile(
    r'\b(?:configs|projects|tools|rsp|tests|data/quickstart)/[\w./-]*[\w-]'
)


def page_id(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize('page', PAGES, ids=page_id)
def test_named_files_exist(page):
    named = set(NAMED.findall(page.read_text()))
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


class Parsed(Exception):
    """Stop a script once its command line is understood."""


# Launchers, and where in their words the line of tools/train.py or test.py begins.
LAUNCHED = (
    (r'bash tools/dist_(train|test)\.sh (\S+) \S+', r'tools/\1.py \2'),
    (r'bash tools/slurm_(train|test)\.sh \S+ \S+', r'tools/\1.py'),
    (r'torchrun .*?(?=tools/)', ''),
    (r'python (?=tools/)', ''),
)


def command_lines(page: Path) -> list[list[str]]:
    """Return the words of each line of a page that runs a command of ours."""
    lines = []
    for line in page.read_text().replace('\\\n', ' ').splitlines():
        line = re.sub(r'^ *(?:[A-Z_]+=(?:<[^>]*>|\S+) +)*', '', line)
        for pattern, instead in LAUNCHED:
            line = re.sub('^' + pattern, instead, line)
        if re.match(r'(rsp [a-z]|tools/\S+\.py\b)', line):
            words = shlex.split(re.sub('<[^>]*>', 'X', line), comments=True)
            ours = itertools.takewhile(lambda w: w not in ('>', '|', '&&'), words)
            lines.append(list(ours))
    return lines


@pytest.mark.parametrize('page', PAGES, ids=page_id)
def test_commands_parse(page, monkeypatch):
    """Every line is understood by the parser of its command, options and all."""
    parse = ArgumentParser.parse_args

    def stop(self, args=None, namespace=None):
        parse(self, args, namespace)
        raise Parsed

    monkeypatch.setattr(ArgumentParser, 'parse_args', stop)
    monkeypatch.setattr(sys, 'path', [*sys.path])
    for words in command_lines(page):
        monkeypatch.setattr(sys, 'argv', words)
        if words[0] == 'rsp':
            with pytest.raises(Parsed):
                main()
        else:
            with pytest.raises(Parsed):
                runpy.run_path(str(ROOT / words[0]), run_name='__main__')


@pytest.mark.parametrize('page', PAGES, ids=page_id)
def test_config_options_change_a_key_that_is_there(page):
    """A misspelt key would be a new one, and change nothing."""
    for words in command_lines(page):
        configs = [w for w in words if w.endswith('.py') and 'configs/' in w]
        if '--cfg-options' not in words or not configs:
            continue
        cfg = Config.fromfile(ROOT / configs[0])
        options = words[words.index('--cfg-options') + 1 :]
        for option in itertools.takewhile(lambda word: '=' in word, options):
            *path, last = option.partition('=')[0].split('.')
            place = cfg
            for key in path:
                assert key in place, (configs[0], option)
                place = place[key]
            assert last in place or last in DEFAULTS, (configs[0], option)


@pytest.mark.parametrize('page', PAGES, ids=page_id)
def test_blocks_of_commands_run_or_say_what_they_need(page):
    """A block without `# needs ...` is one that a test below runs.

    That `pip install` needs the network goes without saying.
    """
    text = page.read_text()
    blocks = re.findall(r'^ *```bash\n(.*?)^ *```', text, re.MULTILINE | re.DOTALL)
    bare = [b for b in blocks if '# needs ' not in b and 'pip install' not in b]
    assert len(bare) == RUN.get(page_id(page), 0), bare


@pytest.mark.slow
def test_commands_of_the_backbone_page_run(tmp_path, monkeypatch, capsys):
    pytest.importorskip('timm')
    network = resnet50()
    torch.save(dict(state_dict=network.state_dict()), tmp_path / 'FILE')
    monkeypatch.chdir(tmp_path)
    commands = [w for w in command_lines(ROOT / 'docs/backbones.md') if 'FILE' in w]
    assert [words[1] for words in commands] == ['inspect', 'convert', 'verify']
    for _, *words in commands:
        main('checkpoint', argv=words)
    assert 'tolerance 1e-05' in capsys.readouterr().out


def test_the_command_of_the_scaling_page_runs(monkeypatch, capsys):
    [words] = [
        w for w in command_lines(ROOT / 'docs/scaling.md') if 'communication.py' in w[0]
    ]
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, 'argv', words)
    runpy.run_path(words[0], run_name='__main__')
    assert '64' in capsys.readouterr().out


def test_every_experiment_is_linked_from_its_page(any_config):
    page = any_config.parent / 'README.md'
    assert any_config.name in page.read_text()


def test_the_index_lists_every_metafile():
    index = yaml.safe_load((ROOT / 'model-index.yml').read_text())
    assert index['Import'] == [page_id(file) for file in METAFILES]
    assert len(load_index(str(ROOT / 'model-index.yml')).models) > 0


@pytest.mark.parametrize('metafile', METAFILES, ids=page_id)
def test_a_metafile_describes_the_recipes_of_its_folder(metafile):
    content = yaml.safe_load(metafile.read_text())
    collections = {entry['Name']: entry for entry in content['Collections']}
    assert all((ROOT / entry['README']).is_file() for entry in collections.values())
    described = {}
    for model in content['Models']:
        config = ROOT / model['Config']
        assert config.stem == model['Name']
        assert model['In Collection'] in collections
        cfg = Config.fromfile(config)
        assert model['Metadata']['Epochs'] == cfg.train_cfg.max_epochs
        assert model['Metadata']['Batch Size'] == cfg.auto_scale_lr.base_batch_size
        described[config] = model
    recipes = {f for f in metafile.parent.glob('*_*xb*-*e_*.py')}
    assert set(described) == recipes


def test_the_five_lines_of_the_docs_train(write_images, tmp_path, monkeypatch):
    """Train on two own folders for two steps, as docs/scenes.md shows."""
    text = (ROOT / 'docs/scenes.md').read_text()
    (lines,) = re.findall(r"```python\n(_base_ = 'configs/.*?)```", text, re.DOTALL)
    assert lines.count('\n') == 5
    write_images('scenes', [f'{name}.png' for name in 'abcd'], size=(32, 32))
    write_images('photos', [f'{c}/{i}.png' for c in 'xy' for i in '12'], size=(32, 32))
    lines = lines.replace("'configs/", f"'{ROOT}/configs/").replace('/path/to/', '')
    (tmp_path / 'my_scenes.py').write_text(lines)
    monkeypatch.chdir(tmp_path)
    cfg = training_config(
        'my_scenes.py',
        cfg_options={
            'train_dataloader.batch_size': 2,
            'train_dataloader.num_workers': 0,
            'train_cfg.max_epochs': 1,
        },
    )
    runner = build_runner(cfg)
    runner.train()
    assert runner.iter == 2
    assert list(tmp_path.rglob('work_dirs/*/my_scenes/epoch_1.pth'))


@pytest.mark.slow
@pytest.mark.filterwarnings('ignore:.*num_anchors:UserWarning')
def test_the_detector_of_the_docs_starts_from_the_backbone_of_get_started(
    tmp_path, monkeypatch
):
    """One step and a score; the network is that of the recipe."""
    pytest.importorskip('mmdet')
    text = (ROOT / 'docs/fine_tuning.md').read_text()
    (lines,) = re.findall(r"```python\n(_base_ = 'configs/.*?)```", text, re.DOTALL)
    lines = lines.replace("'configs/", f"'{ROOT}/configs/")
    (tmp_path / 'my_trees.py').write_text(lines.replace("'data/", f"'{ROOT}/data/"))
    recipe = 'cmid/cmid_resnet18_1xb64-adan-coslr-16e_quickstart.py'
    trained = MODELS.build(Config.fromfile(ROOT / 'configs' / recipe).model.backbone)
    state = {f'backbone.{name}': t for name, t in trained.state_dict().items()}
    torch.save(dict(state_dict=state), tmp_path / 'backbone.pth')
    monkeypatch.chdir(tmp_path)
    options = {'train_cfg.max_iters': 1, 'train_cfg.val_interval': 1}
    options |= {'default_hooks.checkpoint.interval': 1}
    cfg = training_config(
        'my_trees.py', 'run', pretrained='backbone.pth', cfg_options=options
    )
    build_runner(cfg).train()
    report = json.loads((tmp_path / 'run/load_report.json').read_text())
    assert (report['percent'], report['loaded_tensors']) == (100, 126)
    assert (tmp_path / 'run/iter_1.pth').is_file()


def rows(page: Path, title: str = '') -> dict[str, list[str]]:
    """Rows of the first table below a title, by their first column."""
    text = page.read_text()[page.read_text().index(title) :]
    table = re.search(r'(?:^\|.*\n)+', text, re.MULTILINE).group()
    cells = [[c.strip() for c in line.split('|')[1:-1]] for line in table.splitlines()]
    return {row[0]: row[1:] for row in cells[2:]}


def test_published_tables_are_consistent():
    """The mean over the classes is the mAP, and the overview quotes it."""
    overview = rows(ROOT / 'configs/gersp/README.md', '| Pre-training |')
    page = ROOT / 'configs/gersp/published_results.md'
    assert len(overview) == 12
    number = 3
    for dataset in ('DIOR', 'DOTA'):
        for detector in ('Faster R-CNN', 'RetinaNet', 'DyHead'):
            table = rows(page, f'### {detector} on {dataset}\n')
            assert list(table) == list(overview)
            for name, (*classes, printed) in table.items():
                mean = statistics.mean(float(value) for value in classes)
                # Five rows of the source are off by more than rounding, see the page.
                assert mean == pytest.approx(float(printed), abs=0.14), (name, dataset)
                assert overview[name][number] == printed
            number += 1


def test_headers_quote_the_published_rows():
    """Numbers of an experiment's header are those of its row."""
    overview = rows(ROOT / 'configs/gersp/README.md', '| Pre-training |')
    experiments = {
        'gersp/gersp_resnet50_8xb32-coslr-restart-100e_maid-in1k.py': 'GeRSP',
        'gersp/gersp_resnet50_8xb32-coslr-restart-200e_maid-in1k.py': 'GeRSP-200',
        'moco/moco_resnet50_8xb32-steplr-200e_in1k.py': 'MoCo-IN',
        'moco/moco_resnet50_8xb32-steplr-200e_maid.py': 'MoCo-MAID',
        'moco/moco_resnet50_8xb32-steplr-200e_maid-in1k.py': 'MoCo-IN-MAID',
        'moco/mocov2_resnet50_8xb32-coslr-200e_maid.py': 'MoCov2',
        'supervised/supervised_resnet50_8xb32-steplr-100e_in1k.py': 'IMP',
    }
    for name, row in experiments.items():
        header = (ROOT / 'configs' / name).read_text().split('\n_base_')[0]
        header = header.replace('+-', '±')
        _, *published = overview[row]
        absent = [
            v for v in published if not re.search(rf'(?<![\d.]){v}(?!\d)', header)
        ]
        assert absent == [], name
