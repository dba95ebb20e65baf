"""tools/train.py on images that cannot be read: one line with the name of the file."""

from pathlib import Path

import pytest

GERSP = Path(__file__).parent / 'tiny_gersp.py'
HTML = b'<!DOCTYPE html><html><body>404 Not Found</body></html>'


@pytest.mark.parametrize(
    ('content', 'workers'),
    [(lambda png: png[:60], 0), (lambda _: HTML, 2), (lambda _: b'', 0)],
    ids=['truncated', 'html', 'empty'],
)
def test_an_image_that_cannot_be_read_ends_training_in_one_line(
    script, write_images, tmp_path, content, workers
):
    write_images('data/remote', [f'{n}.png' for n in range(8)])
    root = write_images('data', [f'natural/{n % 3}/{n}.png' for n in range(8)])
    for file in (root / 'remote').iterdir():  # Whichever is read first.
        file.write_bytes(content(file.read_bytes()))
    sources = 'train_dataloader.dataset.sources'
    options = [f'{sources}.{name}.data_root={root}' for name in ('remote', 'natural')]
    options += [f'train_dataloader.num_workers={workers}']
    options += [f'experiment_name={tmp_path.name}']
    with pytest.raises(SystemExit) as leaving:
        script(
            'train.py',
            *(GERSP, '--work-dir', tmp_path / 'run', '--cfg-options', *options),
        )
    (line,) = str(leaving.value.code).splitlines()
    assert line.startswith(f"error: cannot load '{root}/remote/")
    assert line.endswith('repair the file or remove it from the folder or list.')
