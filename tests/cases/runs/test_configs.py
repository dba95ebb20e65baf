"""Cases of wrong configs and arguments: each ends by one line that names it."""

import wrong_configs
from wrong_configs import WRONG


def test_the_list_names_every_mistake_once():
    names = [wrong.name for wrong in WRONG]
    assert len(set(names)) == len(names)
    assert len(names) >= 60
    assert all(wrong.words for wrong in WRONG)


def test_the_inputs_of_the_list_are_written(tmp_path):
    wrong_configs.write(tmp_path)
    lines = [wrong_configs.command_line(wrong, tmp_path) for wrong in WRONG]
    assert all('{' not in word.replace('{}', '') for line in lines for word in line)
    assert (tmp_path / 'wrong.py').is_file()
