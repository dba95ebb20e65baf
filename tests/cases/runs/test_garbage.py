"""Bad images, hidden files, lists of other editors, hostile names."""

from pathlib import Path

import pytest
from small_runs import DATA, assert_same, small_config, train, write_data

from rsp.datasets.broken_files import bad_images_of
from rsp.engine.train import build_runner
from rsp.errors import UserError

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
