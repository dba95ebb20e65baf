"""Splits are stratified, disjoint, complete, and the same bytes everywhere."""

import runpy
import sys
from collections import Counter
from hashlib import sha256
from pathlib import Path

import pytest

from rsp.prepare.splits.class_folders import check_published, list_folder, make_splits
from rsp.tasks.classification import SCENE_SETS, SceneBenchmark
from rsp.tasks.classification.splits import split_lines, stratified_split

TOOL = Path(__file__).parents[3] / 'tools/dataset_tools/make_splits.py'
EUROSATS = ('eurosat', 'eurosat-13bands')
IMAGES = {'a': [f'a/{i}.png' for i in range(10)], 'b': [f'b/{i}.png' for i in range(5)]}


@pytest.mark.parametrize('name', SCENE_SETS)
def test_written_lists_have_the_recorded_digests(name, tmp_path):
    written = make_splits([name], tmp_path)
    assert [file.name for file in written] == [f'{name}_train.txt', f'{name}_test.txt']
    digests = [sha256(file.read_bytes()).hexdigest() for file in written]
    recorded = SCENE_SETS[name].sha256
    assert digests == [recorded['train'], recorded['test']]


@pytest.mark.parametrize(
    ('name', 'train', 'test'),
    [('eurosat', 21600, 5400), ('eurosat-13bands', 21600, 5400),
     ('resisc45', 6300, 25200), ('ucm', 1680, 420), ('aid', 2000, 8000)],
)  # fmt: skip
def test_fixed_splits_are_disjoint_complete_and_stratified(name, train, test):
    scenes = SCENE_SETS[name]
    parts = [
        [(path, label) for label, paths in enumerate(part.values()) for path in paths]
        for part in (scenes.split()['train'], scenes.split()['test'])
    ]
    assert tuple(map(len, parts)) == (train, test)
    published = {p: n for n, c in enumerate(scenes.images().values()) for p in c}
    assert len(published) == train + test
    assert dict(parts[0] + parts[1]) == published  # so no path is in both
    shares = Counter(label for _, label in parts[0])
    for number, count in enumerate(scenes.counts.values()):
        assert shares[number] == scenes.train_share * count


@pytest.mark.parametrize('options', [{}, dict(seed=1), dict(per_class=8)])
def test_both_archives_of_eurosat_are_split_alike(options):
    rgb, bands = (SCENE_SETS[name].split(**options) for name in EUROSATS)
    for part, images in rgb.items():
        assert bands[part] == {
            name: [path.replace('.jpg', '.tif') for path in paths]
            for name, paths in images.items()
        }


@pytest.mark.parametrize('split', ['train', 'test'])
def test_the_data_set_reads_the_lines_of_the_list(split, tmp_path):
    scenes = SCENE_SETS['ucm']
    root = tmp_path / scenes.root
    for path in [path for paths in scenes.images().values() for path in paths]:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()
    data = SceneBenchmark('ucm', split, data_root=str(root))
    make_splits(['ucm'], tmp_path)
    lines = (tmp_path / f'ucm_{split}.txt').read_text().splitlines()
    listed = [data.get_data_info(i) for i in range(len(data))]
    assert lines == [
        f'{Path(info["img_path"]).relative_to(root)} {info["gt_label"]}'
        for info in listed
    ]
    assert data.metainfo['classes'] == scenes.classes


def test_a_missing_image_of_a_fixed_split_is_named(write_scenes, tmp_path):
    root = str(tmp_path / write_scenes('ucm').root)
    expected = r'of the 420 images that the test split of ucm lists are not in'
    with pytest.raises(FileNotFoundError, match=expected):
        SceneBenchmark('ucm', 'test', data_root=root)


@pytest.mark.parametrize('wrong', [dict(benchmark='ucn'), dict(split='val')])
def test_unknown_data_sets_and_splits_are_refused(wrong):
    with pytest.raises(ValueError, match='to be one of'):
        SceneBenchmark(**dict(benchmark='ucm', split='train') | wrong)


@pytest.mark.parametrize(
    ('name', 'classes', 'images', 'first'),
    [
        ('eurosat', 10, 27_000, 'AnnualCrop/AnnualCrop_1.jpg'),
        ('eurosat-13bands', 10, 27_000, 'AnnualCrop/AnnualCrop_1.tif'),
        ('resisc45', 45, 31_500, 'airplane/airplane_001.jpg'),
        ('ucm', 21, 2_100, 'agricultural/agricultural00.tif'),
        ('aid', 30, 10_000, 'Airport/airport_1.jpg'),
    ],
)
def test_published_totals(name, classes, images, first):
    scenes = SCENE_SETS[name]
    assert len(scenes.classes) == classes
    assert sum(scenes.counts.values()) == images
    assert scenes.images()[scenes.classes[0]][0] == first
    # The order that sorted class folders have, so lists and folders agree.
    assert list(scenes.classes) == sorted(scenes.classes)


def test_low_label_list_of_the_mini_config_is_made_again():
    root = Path(__file__).parents[3] / 'data/quickstart/probe/train'
    train, rest = stratified_split(list_folder(root), 0, per_class=8)
    assert {len(paths) for paths in train.values()} == {8}
    assert {len(paths) for paths in rest.values()} == {72}
    lists = Path(__file__).parents[3] / 'configs/downstream/classification/splits'
    shipped = lists / 'eurosat-quickstart_train.txt'
    assert split_lines(train) == shipped.read_text()


def test_a_split_depends_on_the_seed_and_on_nothing_else():
    train, _ = stratified_split(IMAGES, 0.4)
    shuffled = {name: paths[::-1] for name, paths in reversed(IMAGES.items())}
    again, _ = stratified_split(shuffled, 0.4)
    assert {k: set(v) for k, v in again.items()} == {
        k: set(v) for k, v in train.items()
    }
    other, _ = stratified_split(IMAGES, 0.4, seed=1)
    assert other != train
    assert {k: len(v) for k, v in other.items()} == dict(a=4, b=2)


def test_one_image_more_moves_no_other():
    train, _ = stratified_split(IMAGES, 0, per_class=3)
    more = dict(IMAGES, a=[*IMAGES['a'], 'a/10.png'])
    grown, _ = stratified_split(more, 0, per_class=3)
    assert grown['b'] == train['b']
    assert len(set(grown['a']) - {'a/10.png'} - set(train['a'])) == 0


def test_every_image_is_as_likely_to_be_drawn():
    counts = Counter(
        path
        for seed in range(400)
        for path in stratified_split(IMAGES, 0.4, seed)[0]['a']
    )
    # 160 of 400 draws are expected, with a deviation of 9.8.
    assert all(abs(counts[path] - 160) < 45 for path in IMAGES['a'])


@pytest.mark.parametrize('share', [0.01, 0.99, 1.5, -1])
def test_a_class_without_images_on_one_side_is_refused(share):
    with pytest.raises(ValueError, match=r"of class 'a', got -?\d+ of its 10"):
        stratified_split(IMAGES, share)


def test_a_complete_folder_is_accepted(write_scenes, tmp_path):
    scenes = write_scenes('ucm')
    check_published(scenes, tmp_path / scenes.root)


def test_missing_and_unknown_images_are_named(write_scenes, tmp_path):
    scenes = write_scenes('aid')
    root = tmp_path / scenes.root
    (root / 'Airport/airport_2.jpg').unlink()
    (root / 'Pond/pond_1.jpg').rename(root / 'Pond/pond_9.jpg')
    (root / 'Viaduct').rename(root / 'Viaducts')
    with pytest.raises(ValueError, match="60 images of 'aid'") as caught:
        check_published(scenes, root)
    _, *problems = str(caught.value).split('\n  ')
    assert problems == [
        'class folders missing: Viaduct',
        'folders that are no class: Viaducts',
        'Airport: 1 missing: Airport/airport_2.jpg',
        'Pond: 1 missing: Pond/pond_1.jpg',
        'Pond: 1 not published: Pond/pond_9.jpg',
    ]


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"below '.*/nowhere', there is no"):
        make_splits(['ucm'], tmp_path, tmp_path / 'nowhere')


def test_an_empty_class_folder_is_named(tmp_path):
    (tmp_path / 'images/empty').mkdir(parents=True)
    with pytest.raises(ValueError, match=r"'.*/images', got none in empty"):
        make_splits(['mine'], tmp_path, tmp_path / 'images', train_share=0.5)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (
            dict(names=['mine']),
            'eurosat, eurosat-13bands, resisc45, ucm, aid.*--folder',
        ),
        (dict(names=['aid', 'ucm'], folder=Path('x')), 'one name with --folder'),
    ],
)
def test_arguments_that_say_too_little_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        make_splits(out=Path('x'), **arguments)


def test_own_folders_need_a_protocol(write_images, tmp_path):
    root = write_images('mine', ['a/x.png', 'a/y.png'])
    with pytest.raises(ValueError, match="--train-share or --per-class for 'mine'"):
        make_splits(['mine'], tmp_path, root)


def run_script(monkeypatch, *arguments):
    monkeypatch.setattr(sys, 'argv', [str(TOOL), *map(str, arguments)])
    runpy.run_path(str(TOOL), run_name='__main__')


def test_the_script_writes_lists_of_own_folders(
    write_images, tmp_path, monkeypatch, capsys
):
    names = [f'{c}/{i} b.png' for c in ('field', 'wood') for i in range(4)]
    root = write_images('mine', names, size=(4, 6))
    where = ('--folder', root, '--out', tmp_path / 'lists')
    run_script(monkeypatch, 'mine', *where, '--train-share', '0.5')
    assert '4 images, 2 classes' in capsys.readouterr().out
    lines = [
        line
        for part in ('train', 'test')
        for line in (tmp_path / f'lists/mine_{part}.txt').read_text().splitlines()
    ]
    assert sorted(lines) == [f'{name} {name[0] == "w":d}' for name in names]


def test_the_script_ends_in_one_line_without_the_images(tmp_path, monkeypatch):
    with pytest.raises(SystemExit, match=r'^error: expected class folders below .*'):
        run_script(monkeypatch, 'ucm', '--folder', tmp_path / 'gone', '--out', tmp_path)
