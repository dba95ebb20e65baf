"""Cutting LEVIR-CD, and finding what is wrong with a download."""

import numpy as np
import pytest
from PIL import Image

from rsp.cli import main
from rsp.prepare.convert import change_pairs
from rsp.prepare.convert.change_pairs import LAYOUTS, Layout


@pytest.fixture
def small(monkeypatch):
    """The layouts with two, one and one pairs of 96 pixels, to be cut into 32."""
    pairs = dict(train=2, val=1, test=1)
    cut = {split: 9 * count for split, count in pairs.items()}
    monkeypatch.setitem(LAYOUTS, 'levir-cd', Layout('label', False, 96, pairs))
    monkeypatch.setitem(LAYOUTS, 'levir-cd_256', Layout('label', False, 32, cut))
    return pairs


def pixels(file):
    return np.asarray(Image.open(file))


def test_the_published_counts_belong_together():
    whole, tiles = LAYOUTS['levir-cd'], LAYOUTS['levir-cd_256']
    per_pair = (whole.size // tiles.size) ** 2
    assert {s: n * per_pair for s, n in whole.pairs.items()} == tiles.pairs
    assert tiles.pairs == dict(train=7120, val=1024, test=2048)
    assert LAYOUTS['cdd'].pairs == dict(train=10000, val=3000, test=3000)


def test_tiles_put_together_are_the_pair(small, write_pairs, tmp_path):
    root = write_pairs('levir', small, size=(96, 96))
    out, told = tmp_path / 'tiles', []
    change_pairs.cut('levir-cd', root, out, tile=32, report=told.append)
    assert told == ['train: 2 pairs cut', 'val: 1 pairs cut', 'test: 1 pairs cut']
    assert len(list(out.rglob('*.*'))) == 4 * 9 * 3
    for folder in ('A', 'B', 'label'):
        rows = [
            np.concatenate(
                [
                    pixels(out / f'train/{folder}/001_{top:04d}_{left:04d}.png')
                    for left in (0, 32, 64)
                ],
                axis=1,
            )
            for top in (0, 32, 64)
        ]
        original = pixels(root / f'train/{folder}/001.png')
        assert (np.concatenate(rows) == original).all()
    reports = change_pairs.check('levir-cd_256', out)
    assert [(r.name, r.pairs, r.problems) for r in reports] == [
        ('train', 18, []), ('val', 9, []), ('test', 9, []),
    ]  # fmt: skip
    truth = np.mean([pixels(f) > 0 for f in root.glob('train/label/*')])
    assert reports[0].changed == pytest.approx(truth)
    empty = [f for f in out.glob('train/label/*') if not pixels(f).any()]
    assert reports[0].unchanged_pairs == len(empty) > 0


def test_a_stopped_cut_goes_on(small, write_pairs, tmp_path):
    root, out = write_pairs('levir', small, size=(96, 96)), tmp_path / 'tiles'
    change_pairs.cut('levir-cd', root, out, tile=32, report=str)
    kept = out / 'train/A/000_0000_0000.png'
    lost = out / 'train/B/001_0032_0032.png'
    before, time = pixels(lost), kept.stat().st_mtime_ns
    lost.unlink()
    change_pairs.cut('levir-cd', root, out, tile=32, report=str)
    assert (pixels(lost) == before).all()
    assert kept.stat().st_mtime_ns == time


def test_every_problem_is_reported_with_its_file(small, write_pairs):
    root = write_pairs('levir', small | dict(train=5), size=(96, 96))
    (root / 'val/B/000.png').unlink()
    (root / 'val/B/111.png').write_bytes((root / 'val/A/000.png').read_bytes())
    Image.open(root / 'train/A/000.png').resize((48, 96)).save(root / 'train/A/000.png')
    Image.new('L', (96, 96), 7).save(root / 'train/label/001.png')
    Image.new('L', (95, 96), 0).save(root / 'train/label/002.png')
    whole = (root / 'train/B/003.png').read_bytes()
    (root / 'train/B/003.png').write_bytes(whole[:900])
    train, val, test = change_pairs.check('levir-cd', root)
    assert train.problems[0] == 'expected 2 pairs, found 5'
    for found, part in zip(
        train.problems[1:],
        [
            f"96 x 96 pixels in '{root}/train/A/000.png', got 96 x 48",
            f"in the mask '{root}/train/label/001.png', got 7",
            f"in '{root}/train/label/002.png', got 96 x 95",
            f"'{root}/train/B/003.png' is unreadable",
        ],
        strict=True,
    ):
        assert part in found
    (problem,) = val.problems
    assert f"1 of 2 names have no file in '{root}/val/A' (111)" in problem
    assert f"1 of 2 names have no file in '{root}/val/B' (000)" in problem
    assert test.problems == []
    with pytest.raises(ValueError, match=r"train/A/000.png', got 96 x 48"):
        change_pairs.cut('levir-cd', root, root / 'tiles', tile=32, report=str)


@pytest.fixture
def run(capsys):
    """Return a function that runs the command: exit code or message, and output."""

    def call(*arguments):
        try:
            main('prepare change', argv=[*map(str, arguments)])
            code = 0
        except SystemExit as end:
            code = end.code
        return code, capsys.readouterr().out

    return call


def test_the_command_cuts_checks_and_ends_with_1_on_a_problem(
    run, write_pairs, tmp_path
):
    """On data of real size, of which all but three pairs are missing."""
    splits = dict(train=1, val=1, test=1)
    root = write_pairs('levir', splits, size=(1024, 1024))
    code, out = run('cut', 'levir-cd', root, tmp_path / 'tiles')
    assert code == 1
    assert 'train: 1 pairs cut' in out
    assert 'expected 7120 pairs, found 16' in out
    assert 'test: 16 pairs' in out
    code, _ = run('cut', 'levir-cd', tmp_path / 'nowhere', tmp_path / 'tiles')
    assert code.startswith('error: expected a folder at')


def test_the_command_is_content_with_complete_data(run, small, write_pairs):
    root = write_pairs('levir', small, size=(96, 96))
    code, out = run('check', 'levir-cd', root)
    assert code == 0
    assert 'train: 2 pairs' in out
    assert 'PROBLEM' not in out


@pytest.mark.parametrize('kind', ['palette', 'zero_one', 'bits', 'deep'])
def test_masks_of_all_kinds_keep_their_change(small, write_pairs, tmp_path, kind):
    root = write_pairs('levir', small, size=(96, 96))
    truth = {}
    for file in root.glob('*/label/*.png'):
        changed = pixels(file) > 0
        truth[file] = changed.mean()
        if kind == 'palette':
            image = Image.fromarray(changed.astype(np.uint8), 'P')
            image.putpalette([90, 90, 90, 0, 255, 0])
        elif kind == 'deep':
            image = Image.fromarray(changed.astype(np.uint16) * 65535)
        else:
            image = Image.fromarray(
                changed if kind == 'bits' else changed.astype(np.uint8)
            )
        image.save(file)
    change_pairs.cut('levir-cd', root, tmp_path / 'tiles', tile=32)
    for file, share in truth.items():
        tiles = (tmp_path / 'tiles' / file.relative_to(root)).parent
        values = [pixels(tile) for tile in tiles.glob(f'{file.stem}_*.png')]
        assert {*np.unique(values)} <= {0, 255}
        assert np.mean(np.stack(values) > 0) == pytest.approx(share)
