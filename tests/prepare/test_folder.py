import ast
import runpy
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import scenes
from hypothesis import given, settings
from hypothesis import strategies as st
from mmcv.transforms import Compose
from mmengine.config import Config
from mmengine.registry import DefaultScope
from PIL import Image

from rsp import checkpoints
from rsp.engine.train import build_runner, training_config
from rsp.io.configs import find_config
from rsp.prepare.folder import prepare
from rsp.prepare.generate.options import METHODS, Method, Options
from rsp.prepare.generate.pipelines import adapt_pipeline
from rsp.prepare.generate.pretty_text import pretty_text
from rsp.registry import DATASETS

TOOL = Path(__file__).parents[2] / 'tools' / 'dataset_tools' / 'prepare.py'


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    return scenes.make(tmp_path_factory.mktemp('made'))


@pytest.fixture(scope='module')
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp('photos')
    rng = np.random.default_rng(0)
    for number in range(8):
        file = folder / f'class {number % 2}' / f'{number}.png'
        file.parent.mkdir(exist_ok=True)
        pixels = rng.integers(256, size=(40, 44, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(file)
    return folder


def options_for(method, made, photos, **change):
    own = dict(
        gersp=dict(photos=photos),
        cmid=dict(),
        moco=dict(),
        geokr=dict(land_cover=made.worldcover, class_map='worldcover'),
    )
    return Options(method, **own[method] | change)


def train_two_steps(config, monkeypatch, **options):
    """Run the printed command on less data."""
    monkeypatch.chdir(config.parent)
    cfg = training_config(str(config), work_dir='run', cfg_options=dict(options))
    cfg.train_cfg = dict(type='IterBasedTrainLoop', max_iters=2)
    cfg.param_scheduler = None
    cfg.custom_hooks = [
        hook for hook in cfg.custom_hooks if 'Schedule' not in hook['type']
    ]
    cfg.default_hooks.checkpoint = dict(
        type='CheckpointHook', by_epoch=False, interval=2
    )
    cfg.log_processor.by_epoch = False
    cfg.train_dataloader.update(num_workers=0, persistent_workers=False, batch_size=4)
    runner = build_runner(cfg)
    runner.train()
    assert runner.iter == 2
    return runner


@pytest.mark.parametrize(
    ('method', 'folder', 'bands'),
    [
        pytest.param('gersp', 's2', None, marks=pytest.mark.slow),
        pytest.param('cmid', 's2', (3, 2, 1), marks=pytest.mark.slow),
        pytest.param('cmid', 'aerial', None, marks=pytest.mark.slow),
        ('geokr', 's2', None),
        pytest.param('geokr', 'aerial', None, marks=pytest.mark.slow),
    ],
)
def test_a_config_of_scenes_trains(
    made, photos, tmp_path, monkeypatch, method, folder, bands
):
    options = options_for(method, made, photos, bands=bands)
    prepare(made.scenes / folder, tmp_path, options, workers=0)
    text = (tmp_path / f'{method}.py').read_text()
    assert str(tmp_path / f'{method}.py') in text
    runner = train_two_steps(tmp_path / f'{method}.py', monkeypatch)
    batch = runner.model.data_preprocessor(
        next(iter(runner.train_loop.dataloader)), True
    )
    inputs = batch['inputs']
    while not hasattr(inputs, 'shape'):
        inputs = inputs['remote'] if isinstance(inputs, dict) else inputs[0]
    colors = method != 'geokr' or folder == 'aerial'
    assert inputs.shape[:2] == (4, 3 if colors else 4)
    # Normalized by the statistics of what it gets.
    assert inputs.mean().abs() < 1
    assert 0.3 < inputs.std() < 3


def test_a_class_map_of_ones_own_is_found_from_any_folder(
    made, photos, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    Path('own.json').write_text('{"10": "forest", "80": "water"}')
    prepare(
        made.scenes / 's2',
        Path('out'),
        options_for('geokr', made, photos, class_map='own.json'),
        workers=0,
    )
    cfg = training_config(str(tmp_path / 'out/geokr.py'))
    class_map = cfg.train_dataloader.dataset.land_cover.class_map
    assert class_map == str(tmp_path / 'own.json')


@pytest.mark.slow
@pytest.mark.parametrize('method', ['gersp', 'cmid', 'moco'])
def test_a_config_of_images_trains(photos, tmp_path, monkeypatch, method):
    shutil.copytree(photos, tmp_path / 'in')
    (tmp_path / 'in' / 'broken.png').write_bytes(b'nothing')
    options = Options(method, photos=photos if method == 'gersp' else None)
    prepared = prepare(tmp_path / 'in', tmp_path / 'out', options, workers=0)
    assert any("unreadable 'broken.png'" in line for line in prepared.findings)
    runner = train_two_steps(tmp_path / 'out' / f'{method}.py', monkeypatch)
    assert len(runner.train_loop.dataloader.dataset) == 8


def test_a_config_of_mixed_scenes_takes_the_most_common_format(made, photos, tmp_path):
    prepare(made.scenes, tmp_path, options_for('cmid', made, photos), workers=0)
    cfg = training_config(str(tmp_path / 'cmid.py'))
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        dataset = DATASETS.build(cfg.train_dataloader.dataset)
    paths = {scene.path for scene in dataset.images.scenes}
    assert len(paths) == 4
    assert not any('tile' in path for path in paths)


def test_a_map_beside_the_scenes_is_none_of_them(tmp_path):
    grid = scenes.utm_grid(100, 90)
    scenes.sentinel2(tmp_path / 'in/a.tif', grid)
    for number in range(3):
        scenes.worldcover(tmp_path / f'in/map/{number}.tif', grid)
    options = Options('geokr', land_cover=tmp_path / 'in/map', class_map='worldcover')
    prepare(tmp_path / 'in', tmp_path / 'out', options, workers=0)
    cfg = training_config(str(tmp_path / 'out/geokr.py'))
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        dataset = DATASETS.build(cfg.train_dataloader.dataset)
    assert [scene.path for scene in dataset.images.scenes] == ['a.tif']
    assert dataset.images.bands == (1, 2, 3, 4)
    with pytest.raises(ValueError, match=r'besides .* the land cover, found none'):
        prepare(tmp_path / 'in/map', tmp_path / 'out', options, workers=0)


def test_a_map_of_unknown_codes_is_refused_at_once(made, tmp_path):
    unnamed = shutil.copy(made.worldcover, tmp_path / 'map.tif')
    with pytest.raises(ValueError, match=r'cannot tell the class map of .*--class-map'):
        prepare(
            made.scenes / 's2', tmp_path / 'out', Options('geokr', land_cover=unnamed),
            workers=0,
        )  # fmt: skip


def test_a_config_of_mixed_images_takes_the_most_common_format(photos, tmp_path):
    shutil.copytree(photos, tmp_path / 'in')
    deep = np.zeros((40, 44), np.uint16)
    Image.fromarray(deep).save(tmp_path / 'in/depth.png')
    prepare(tmp_path / 'in', tmp_path / 'out', Options('cmid'), workers=0)
    cfg = training_config(str(tmp_path / 'out/cmid.py'))
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        dataset = DATASETS.build(cfg.train_dataloader.dataset)
    assert len(dataset) == 8


def test_labels_instead_of_a_map(made, photos, tmp_path):
    labels = tmp_path / 'labels.jsonl'
    labels.write_text('{}')
    options = Options('geokr', labels=labels)
    prepare(made.scenes / 's2', tmp_path / 'out', options, workers=0)
    dataset = Config.fromfile(tmp_path / 'out' / 'geokr.py').train_dataloader.dataset
    assert dataset.windows.file == str(labels)
    assert 'length' not in dataset


@pytest.mark.parametrize('method', METHODS)
def test_the_full_recipe_is_the_published_one(made, photos, tmp_path, method):
    options = options_for(method, made, photos, small=False, window=128)
    prepare(made.scenes / 's2', tmp_path, options, workers=0)
    cfg = Config.fromfile(tmp_path / f'{method}.py')
    assert cfg.model.backbone.depth == 50
    assert cfg.model.backbone.get('in_channels', 3) == (4 if method == 'geokr' else 3)
    source = cfg.train_dataloader.dataset
    source = source.sources.remote if method == 'gersp' else source
    assert (source.type, source.windows.size) == ('rsp.SceneDataset', 128)


def test_small_scenes_get_small_windows(tmp_path):
    for number in range(3):
        file = tmp_path / 'in' / f'{number}.tif'
        scenes.sentinel2(file, scenes.utm_grid(50, 40, 1000 * number))
    prepare(tmp_path / 'in', tmp_path / 'out', Options('cmid'), workers=0)
    cfg = Config.fromfile(tmp_path / 'out' / 'cmid.py')
    assert cfg.train_dataloader.dataset.windows.size == 32


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(method='geokr'), '--land-cover and --labels'),
        (dict(method='mae'), "method to be one of 'gersp', 'cmid', 'geokr', 'moco'"),
        (dict(method='cmid', bands=(1, 2, 9)), 'from 1 to 4'),
        (dict(method='cmid', window=900), 'lower --window'),
        (dict(method='cmid', window=0), '--window of at least 1, got 0'),
        (dict(method='gersp', photos=Path('nowhere')), '--photos'),
        (dict(method='geokr', land_cover=Path('nowhere')), "at 'nowhere', found none"),
        (dict(method='geokr', labels=Path('nowhere')), "no 'nowhere'"),
        (
            dict(method='geokr', land_cover=Path(), class_map='gl30'),
            "class map .* got 'gl30'",
        ),
    ],
)
def test_options_that_do_not_fit_are_refused(made, tmp_path, arguments, message):
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        prepare(made.scenes / 's2', tmp_path, Options(**arguments), workers=0)


def test_land_cover_of_images_without_georeference(photos, tmp_path, made):
    with pytest.raises(ValueError, match='without georeference'):
        prepare(photos, tmp_path, options_for('geokr', made, photos), workers=0)
    # What could be done is there.
    assert (tmp_path / 'report.html').exists()


@pytest.mark.parametrize('recipe', [
    'cmid/cmid_resnet50_4xb64-adan-coslr-200e_maid.py',
    'moco/mocov2_resnet50_8xb32-coslr-200e_maid.py',
])  # fmt: skip
def test_changes_of_color_become_what_means_the_same_of_any_bands(recipe):
    """As many steps as before, on bands and types that the first could not take."""
    pipeline = Config.fromfile(find_config(recipe)).pipeline
    assert adapt_pipeline(pipeline, scenes=False, bands=(1, 2, 3)) == pipeline
    adapted = adapt_pipeline(pipeline, scenes=True, bands=(1, 2, 3, 4))
    text = str(adapted)
    for gone in ('LoadImageFromFile', 'hue', 'saturation', 'channel_weights', 'pillow'):
        assert gone not in text
    # That of CMID is loaded by a transform of its own.
    own = 'LoadImageFromFile' in str(pipeline)
    assert text.count("'type'") == str(pipeline).count("'type'") - own
    assert 'Load' not in text
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        steps = Compose(adapted[:-1])
    for _ in range(8):
        image = np.random.default_rng(0).random((256, 256, 4), np.float32)
        results = dict(img=image, img_shape=(256, 256), value_range=(0, 1))
        views = steps(results)['img']
        assert [v.shape for v in views] == [(224, 224, 4)] * 2
        assert all(v.dtype == np.float32 for v in views)


@pytest.fixture(scope='module')
def banded(tmp_path_factory):
    """Folders of scenes of 13, of 2 and of 1 bands, with no data in a corner."""
    folder = tmp_path_factory.mktemp('banded')
    for bands in (13, 2, 1):
        for number, east in enumerate((0, 700)):
            grid = scenes.utm_grid(130, 100, east)
            file = folder / str(bands) / f'{number}.tif'
            scenes.sentinel2(file, grid, bands, wedge=number == 0)
    return folder


@pytest.mark.parametrize('bands', [13, pytest.param(2, marks=pytest.mark.slow)])
@pytest.mark.parametrize('method', METHODS)
def test_a_config_of_any_method_and_bands_trains(
    banded, made, photos, tmp_path, monkeypatch, method, bands
):
    options = options_for(method, made, photos, bands=tuple(range(1, bands + 1)))
    prepare(banded / str(bands), tmp_path, options, workers=0)
    runner = train_two_steps(tmp_path / f'{method}.py', monkeypatch)
    batch = next(iter(runner.train_loop.dataloader))
    inputs = runner.model.data_preprocessor(batch, True)['inputs']
    while not hasattr(inputs, 'shape'):
        inputs = inputs['remote'] if isinstance(inputs, dict) else inputs[0]
    assert inputs.shape[:2] == (4, bands)
    # Normalized by the statistics of what it gets.
    assert inputs.mean().abs() < 1
    assert 0.3 < inputs.std() < 3
    card = checkpoints.Checkpoint.load(tmp_path / 'run/iter_2.pth')
    exported = tmp_path / 'backbone.pth'
    checkpoints.export_backbone(card.path, str(exported))
    card = checkpoints.Checkpoint.load(exported).card
    assert len(card['normalization']['mean']) == bands


@pytest.mark.slow
@pytest.mark.parametrize('method', METHODS)
@pytest.mark.parametrize(
    ('folder', 'bands'), [(1, (1,)), (13, (8, 4)), (13, (13, 1, 2, 9))]
)
def test_a_config_of_chosen_bands_trains(
    banded, made, photos, tmp_path, monkeypatch, method, folder, bands
):
    options = options_for(method, made, photos, bands=bands)
    prepare(banded / str(folder), tmp_path, options, workers=0)
    runner = train_two_steps(tmp_path / f'{method}.py', monkeypatch)
    assert runner.model.backbone.conv1.in_channels == len(bands)


@pytest.mark.slow
@pytest.mark.parametrize('method', METHODS)
def test_the_full_recipe_of_13_bands_trains(
    banded, made, photos, tmp_path, monkeypatch, method
):
    options = options_for(
        method, made, photos, small=False, window=64, bands=tuple(range(1, 14))
    )
    prepare(banded / '13', tmp_path, options, workers=0)
    train_two_steps(tmp_path / f'{method}.py', monkeypatch, checkpoint=None)


plain = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
)
names = st.from_regex(r'[a-z_]{1,9}', fullmatch=True).filter(
    lambda name: name not in ('as', 'if', 'in', 'is', 'or', 'for', 'and', 'not', 'def')
)


@settings(max_examples=60, deadline=None)
@given(
    st.recursive(
        plain,
        lambda inner: (
            st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4)
        ),
        max_leaves=12,
    )
)
def test_what_is_written_can_be_read_again(value):
    assert eval(pretty_text(value), {'inf': float('inf')}) == value


@pytest.mark.parametrize(
    'name', ["it's", 'a\nimport os; os.abort()\n', '"""', '\\', '#']
)
def test_a_folder_of_any_name_never_becomes_code(photos, tmp_path, name):
    folder = tmp_path / name
    shutil.copytree(photos, folder)
    prepare(folder, folder / 'out', Options('gersp', photos=folder), workers=0)
    cfg = Config.fromfile(folder / 'out/gersp.py')
    sources = cfg.train_dataloader.dataset.sources
    assert sources.remote.data_root == sources.natural.data_root == str(folder)
    text = (folder / 'out/gersp.py').read_text()
    names = {node.targets[0].id for node in ast.parse(text).body}
    assert names == {'_base_', 'model', 'data_preprocessor', 'train_dataloader'}


def test_a_method_is_one_entry_of_a_table(photos, tmp_path, monkeypatch):
    v1 = 'moco/moco_resnet50_8xb32-steplr-200e_in1k.py'
    monkeypatch.setitem(METHODS, 'v1', Method(small=v1, full=v1))
    prepare(photos, tmp_path, Options('v1'), workers=0)
    cfg = Config.fromfile(tmp_path / 'v1.py')
    assert cfg.model.type == 'rsp.MoCo'
    assert cfg.train_dataloader.dataset.data_root == str(photos)
    assert cfg.train_dataloader.dataset.pipeline[0].type == 'rsp.LoadViews'


def test_the_command_prints_the_next_one(made, tmp_path, monkeypatch, capsys):
    arguments = [made.scenes / 's2', '--out', tmp_path, '--workers', 0]
    monkeypatch.setattr(sys, 'argv', [str(TOOL), *map(str, arguments)])
    runpy.run_path(str(TOOL), run_name='__main__')
    told = capsys.readouterr().out.splitlines()
    assert told[-1] == f'next: rsp train {tmp_path / "cmid.py"}'
    assert any("4 files in '" in line for line in told)


def test_the_command_says_in_one_line_what_is_wrong(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, 'argv', [str(TOOL), str(tmp_path), '--workers', '0'])
    with pytest.raises(SystemExit, match='error: expected scenes in'):
        runpy.run_path(str(TOOL), run_name='__main__')
