from pathlib import Path

import pytest

from rsp.io.configs import find_config

ROOT = Path(__file__).parents[2]


def test_a_config_is_found_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    expected = ROOT / 'configs/gersp/r50.py'
    assert find_config('configs/gersp/r50.py').samefile(expected)
    assert find_config('gersp/r50.py').samefile(expected)


def test_the_nearest_file_wins_over_the_projects(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    mine = tmp_path / 'configs/gersp/r50.py'
    mine.parent.mkdir(parents=True)
    mine.write_text('')
    assert find_config('configs/gersp/r50.py').samefile(mine)


@pytest.mark.parametrize(
    ('typed', 'meant'),
    [
        ('configs/gersp/r5.py', 'configs/gersp/r50.py'),
        ('configs/gersp/r50', 'configs/gersp/r50.py'),
        ('config/gresp/r50.py', 'configs/gersp/r50.py'),
        ('r50_200.py', 'configs/gersp/r50_200e.py'),
    ],
)
def test_an_unknown_config_is_answered_with_the_nearest_names(typed, meant):
    with pytest.raises(FileNotFoundError, match=f"no config '{typed}'.*{meant}"):
        find_config(typed)


def test_a_config_like_no_other_is_answered_with_their_folder():
    with pytest.raises(FileNotFoundError, match=r'configs lie in .*configs'):
        find_config('qqqqqq.zzz')
