import pytest

CONFIG = 'downstream/classification/r18_eurosat-quickstart_probe.py'


@pytest.fixture
def check(script, write_images):
    def run(folder):
        loaders = ('test_dataloader', 'test_cfg.train_dataloader')
        roots = [f'{loader}.dataset.data_root={folder}' for loader in loaders]
        try:
            script('dataset_tools/check.py', CONFIG, '--cfg-options', *roots)
        except SystemExit as leaving:
            return leaving.code
        return 0

    return run


def test_whole_data_pass(check, write_images, capsys):
    names = [f'{split}/{c}/0.png' for split in ('train', 'val') for c in 'ab']
    assert check(write_images('scenes', names).parent / 'scenes') == 0
    out = capsys.readouterr().out
    assert out.count('2 samples, 2 image files') == 2
    assert out.endswith('no problems\n')


def test_a_broken_file_fails(check, write_images, capsys):
    names = [f'{split}/{c}/0.png' for split in ('train', 'val') for c in 'ab']
    root = write_images('scenes', names)
    (root / 'val/a/0.png').write_text('no image')
    assert check(root) == 1
    out = capsys.readouterr().out
    assert 'val/a/0.png' in out
    assert out.endswith('1 problems\n')
