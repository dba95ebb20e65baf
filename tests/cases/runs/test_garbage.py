"""Bad images, hidden files, lists of other editors, hostile names."""

import os
import zipfile
from pathlib import Path

import pytest
import torch
from small_runs import DATA, ROOT, assert_same, small_config, train, write_data

from rsp.cli import main
from rsp.datasets import ImageFolder
from rsp.datasets.broken_files import bad_images_of
from rsp.engine.train import build_runner
from rsp.errors import UserError
from rsp.prepare.convert.archives import list_files
from rsp.prepare.convert.manifest import Manifest

SKIP = {f'{DATA}__sources__{n}__on_bad_image': 'skip' for n in ('remote', 'natural')}
SKIP = {key.replace('.', '__'): value for key, value in SKIP.items()}


@pytest.fixture
def root(tmp_path):
    """Images of which one scene in twenty-four is cut off."""
    folder = write_data(tmp_path)
    file = folder / 'scenes/07.png'
    file.write_bytes(file.read_bytes()[:2000])
    return folder


def listed(folder: Path) -> list[str]:
    return (folder / 'bad_files.txt').read_text().splitlines()


def test_a_bad_image_is_skipped_the_same_way_by_workers_and_after_resuming(root):
    whole = train('gersp', root, 'whole', **SKIP)
    assert listed(root / 'whole') == [f'{root}/scenes/07.png']
    workers = train('gersp', root, 'workers', train_dataloader__num_workers=2, **SKIP)
    assert listed(root / 'workers') == [f'{root}/scenes/07.png']
    assert_same(whole, workers)
    resumed = train('gersp', root, 'resumed', root / 'whole/iter_8.pth', **SKIP)
    assert_same(whole, resumed)


def test_by_default_a_bad_image_ends_the_run_by_its_name(root):
    with pytest.raises(UserError, match=r"cannot load '.*/scenes/07\.png'"):
        train('gersp', root, 'run')
    assert not (root / 'run/bad_files.txt').exists()


def test_beyond_a_share_it_is_an_error(root):
    for name in ('08', '09', '10'):
        (root / f'scenes/{name}.png').write_bytes(b'')
    few = {f'{DATA}.sources.remote.max_bad_share'.replace('.', '__'): 0.1}
    with pytest.raises(UserError, match=r'at most 0\.01 of 44 images to be bad'):
        train('gersp', root, 'run', **SKIP)
    train('gersp', root, 'more', train_cfg__max_epochs=1, **SKIP, **few)
    assert len(listed(root / 'more')) == 4


def test_windows_of_a_broken_scene_are_drawn_elsewhere(tmp_path):
    runs = {}
    config = small_config('geokr', tmp_path, 'made')
    build_runner(config)  # Writes the scenes, and their index.
    file = tmp_path / 'tiffs/1.tif'
    content = file.read_bytes()
    for workers in (0, 2):
        runner = build_runner(
            small_config(
                'geokr', tmp_path, f'run{workers}',
                train_dataloader__num_workers=workers,
                train_dataloader__dataset__on_bad_image='skip',
                train_cfg__max_epochs=1,
            )
        )  # fmt: skip
        loop = runner.train_loop
        file.write_bytes(content[: len(content) // 3])
        runner.train()
        file.write_bytes(content)
        runs[workers] = runner
        assert listed(tmp_path / f'run{workers}') == [str(file)]
        assert loop.iter > 0
    assert_same(runs[0], runs[2])


def test_evaluation_never_skips(root):
    runner = build_runner(small_config('gersp', root, 'run', **SKIP))
    trained = runner.train_loop.dataloader.dataset
    assert [bad.skips for bad, _ in bad_images_of(trained)] == [True, True]
    scored = runner.build_dataloader(runner.cfg.train_dataloader).dataset
    assert [bad.skips for bad, _ in bad_images_of(scored)] == [False, False]
    with pytest.raises(UserError, match=r"cannot load '.*/07\.png'"):
        scored.sources['remote'][7]


HIDDEN = (
    '.ipynb_checkpoints/0-checkpoint.png', '__MACOSX/a/._0.png', '@eaDir/0.png/x.png',
    '#recycle/0.png', 'lost+found/0.png', '._00.png', '.DS_Store', 'Thumbs.db',
    '$RECYCLE.BIN/0.png',
)  # fmt: skip


def hide(folder: Path, ending: str = '.png') -> None:
    """Put a copy of an image wherever systems and programs do."""
    for name in HIDDEN:
        file = folder / name.replace('.png', ending)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b'\0\5\26\7\0\2\0\0Mac OS X')


def test_11_hidden_files_and_folders(tmp_path, caplog):
    root = write_data(tmp_path)
    hide(root / 'photos')
    hide(root / 'photos/a')
    hide(root / 'scenes')
    (root / 'scenes/notes.txt').write_text('.')
    runner = build_runner(small_config('gersp', root, 'run'))
    sources = runner.train_loop.dataloader.dataset.sources
    assert sources['natural'].metainfo['classes'] == ('a', 'b')
    assert (len(sources['natural']), len(sources['remote'])) == (20, 24)
    log = next(Path(root, 'run').glob('*/*.log')).read_text()
    assert f"left out in '{root}/scenes': {len(HIDDEN)} hidden, 1 .txt" in log


def test_11_a_wrong_number_of_class_folders_names_them(tmp_path):
    root = write_data(tmp_path)
    (root / 'photos/notebooks').mkdir()
    (root / 'photos/notebooks/0.png').write_bytes((root / 'scenes/00.png').read_bytes())
    config = small_config('gersp', root, 'run', model__sup_head__num_classes=2)
    with pytest.raises(UserError, match='class folders are a, b, notebooks: remove'):
        build_runner(config).train()


def test_11_scenes_beside_hidden_files(tmp_path):
    from rsp.geo.files.listing import list_files as list_scenes
    from rsp.geo.rasters import ENDINGS

    config = small_config('geokr', tmp_path, 'run')
    folder = tmp_path / 'tiffs'
    hide(folder, '.tif')
    build_runner(config).train_loop  # noqa: B018  reads the folder
    for source in (folder, folder / '*.tif', folder / '**/*.tif'):
        assert len(list_scenes(str(source), ENDINGS)[1]) == 3


def write_list(root: Path, text: str | bytes) -> None:
    file = root / 'photos/list.txt'
    file.write_bytes(text if isinstance(text, bytes) else text.encode())


LINES = ['a/0.png 0', 'b/1.png 1', 'a/2.png 0', 'b/3.png 1']


@pytest.mark.parametrize(
    'text',
    [
        '\n'.join(LINES) + '\n   \n',
        '\r\n'.join(LINES) + '\r\n\r\n\t\r\n',
        '\ufeff' + '\n'.join(LINES),
        '\n'.join(f'{line}  \t' for line in LINES),
        '\n\n'.join(line.replace(' ', '\t') for line in LINES),
        '\n'.join(f'./{line}' for line in LINES),
        '\n'.join(f'  {line.replace(" ", "   ")}' for line in LINES),
    ],
    ids=['blank', 'crlf', 'mark', 'trailing', 'tabs', 'dot', 'padded'],
)
def test_19_lists_of_other_editors(tmp_path, text):
    root = write_data(tmp_path)
    write_list(root, text)
    dataset = ImageFolder(str(root), 'photos', 'photos/list.txt')
    assert [*dataset.labels] == [0, 1, 0, 1]
    names = [Path(dataset.get_data_info(n)['img_path']).name for n in range(4)]
    assert names == ['0.png', '1.png', '2.png', '3.png']


@pytest.mark.parametrize(
    ('text', 'reason'),
    [
        ('a/0.png,0\n', 'commas or semicolons; write one blank'),
        ('a/0.png;0\n', 'commas or semicolons; write one blank'),
        ('a\\0.png 0\n', 'backslashes; write / between folders'),
        ('"a/0.png" 0\n', 'quotes; leave them out'),
        ("'a/0.png 0'\n", 'quotes; leave them out'),
        ('a/0.png 0\n'.encode('utf-16'), 'save it as UTF-8'),
        ('a/0.png 0\n'.encode('utf-16-le'), 'zero bytes, as of UTF-16'),
        ('a/é.png 0\n'.encode('latin-1'), 'save it as UTF-8'),
        ('\u200ba/0.png 0\n', 'blanks of another kind'),
        (' \n\n', 'it is empty'),
    ],
)
def test_19_what_a_list_may_not_hold_is_told(tmp_path, text, reason):
    root = write_data(tmp_path)
    write_list(root, text)
    with pytest.raises(UserError, match=reason) as told:
        len(ImageFolder(str(root), 'photos', 'photos/list.txt'))
    assert 'list.txt' in str(told.value)


@pytest.mark.parametrize(
    'name',
    [
        "x\nimport os\nos.system('touch executed')\n#",
        'x\r__import__("os").mkdir("executed")',
        '{{ fileDirname }}',
        '{{$HOME:}}',
        '{{$NOWHERE:executed}}',
        '{{_base_.model}}',
        "'''+{{{fileBasename}}}+'''",
        '\x1b]0;title\x07<script>alert(1)</script>$\\frac',
        'a\'b"c\\',
    ],
)
def test_r06_config_from_folder_name_runs_code(tmp_path, name, monkeypatch):
    import scenes
    from mmengine.config import Config

    from rsp.prepare.folder import prepare
    from rsp.prepare.generate.options import Options

    monkeypatch.chdir(tmp_path)
    folder = tmp_path / name
    folder.mkdir(parents=True)
    for number in range(2):
        grid = scenes.utm_grid(120, 120, 50 * number, 0)
        scenes.sentinel2(folder / f'{number}.tif', grid)
    out = tmp_path / 'out'
    prepare(folder, out, Options(method='cmid', small=True, window=64))
    cfg = Config.fromfile(out / 'cmid.py')
    dataset = cfg.train_dataloader.dataset
    assert dataset.data_root == str(folder)
    assert not [*tmp_path.glob('**/executed')]
    page = (out / 'report.html').read_text(encoding='utf-8')
    assert '<script>' not in page.replace('<script>\n', '')
    assert '\x1b' not in (out / 'cmid.py').read_text(encoding='utf-8')


class Malice:
    """Make a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple:
        return os.mkdir, (str(self.folder),)


@pytest.mark.parametrize(
    'words',
    [
        'checkpoint inspect {evil}',
        'checkpoint export {evil} {out}',
        'checkpoint convert {evil} {out}',
        'checkpoint verify {evil} --against torchvision:resnet18',
        'checkpoint verify {evil} --against torchvision:resnet18 --source {evil}',
        'replay {evil}',
        'test {config} {evil}',
        'train {config} --pretrained {evil}',
        'train {config} --resume {evil}',
    ],
)
@pytest.mark.parametrize('ending', ['.pth', '.safetensors', '.npz', '.bin'])
def test_r07_no_command_runs_a_pickle(tmp_path, words, ending):
    executed, evil = tmp_path / 'executed', tmp_path / f'evil{ending}'
    torch.save(dict(state_dict={}, meta={}, extra=Malice(executed)), evil)
    config = tmp_path / 'config.py'
    config.write_text(f'_base_ = {str(ROOT / "configs/gersp/r18_quickstart.py")!r}\n')
    places = dict(evil=evil, out=tmp_path / 'out.pth', config=config)
    with pytest.raises(SystemExit) as leaving:
        main(argv=[word.format_map(places) for word in words.split()])
    assert leaving.value.code
    assert not executed.exists()


def test_archives_are_read_within_bounds_and_nothing_is_written_beside(tmp_path):
    source = tmp_path / 'source'
    source.mkdir()
    with zipfile.ZipFile(source / 'a.zip', 'w', zipfile.ZIP_DEFLATED) as archive:
        archive.writestr('../../x.png', b'outside')
        archive.writestr('__MACOSX/._y.png', b'of macOS')
        archive.writestr('y.png', b'inside' * 99)
        archive.writestr('bomb.png', bytes(2**20))
    files = list_files(source)
    assert [*files] == ['a.zip/y.png', 'a.zip/bomb.png']
    assert files['a.zip/y.png']() == b'inside' * 99
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr('rsp.prepare.convert.archives.MOST_BYTES', 2**20 - 1)
        with pytest.raises(UserError, match=r'at most 1,048,575 bytes of .bomb\.png'):
            files['a.zip/bomb.png']()
    content = bytearray((source / 'a.zip').read_bytes())
    content[content.index(b'\0y.png') + 9] ^= 255
    (source / 'a.zip').write_bytes(content)
    with pytest.raises(UserError, match=r'cannot unpack .y\.png'):
        list_files(source)['a.zip/y.png']()
    manifest = Manifest('Any', tmp_path / 'out')
    for name in ('../x.png', '/x.png', 'a/x.png', '..', ''):
        with pytest.raises(UserError, match='expected the name of a file'):
            manifest.write('img_dir/train', name, b'')
    assert not [*tmp_path.rglob('x.png')]
