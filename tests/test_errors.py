"""A user's mistake ends in one line; a bug keeps its type and its traceback."""

import copy
import copyreg
import importlib
import pickle
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.dataset import Compose

from rsp import errors
from rsp.errors import MissingData, UserError, report_user_errors, shorten
from rsp.io.configs import find_config

REQUIREMENTS = Path(__file__).parents[1] / 'requirements'


@pytest.fixture(autouse=True)
def _one_process(monkeypatch):
    for name in ('RANK', 'SLURM_PROCID'):
        monkeypatch.delenv(name, raising=False)


class Items(torch.utils.data.Dataset):
    """Two items, which a function gives."""

    def __init__(self, give):
        self.give = give

    def __len__(self):
        return 2

    def __getitem__(self, index):
        return self.give(index)


def miss_a_file(index):
    return find_config('none.py')


def refuse_a_value(index):
    raise UserError(f'expected an even number, got {index + 1};\nwrite 2.')


def misspell_a_key(index):
    """Fail as a transform with a bug does."""
    return Compose([lambda results: results['imgg']])(dict(img=index))


def fail_in_a_library(index):
    return np.zeros((2, 3)) + np.zeros((2, 4))


def load(give, workers):
    return list(torch.utils.data.DataLoader(Items(give), num_workers=workers))


@pytest.mark.parametrize('workers', [0, 1])
@pytest.mark.parametrize(
    ('give', 'message'),
    [
        (miss_a_file, r"^error: no config 'none.py'; [^\n]*$"),
        (refuse_a_value, r'^error: expected an even number, got 1;\nwrite 2.$'),
    ],
)
def test_a_users_mistake_ends_in_its_message(give, message, workers):
    with pytest.raises(SystemExit, match=message), report_user_errors():
        load(give, workers)


@pytest.mark.parametrize('workers', [0, 1])
@pytest.mark.parametrize(
    ('give', 'kind', 'told'),
    [
        (misspell_a_key, KeyError, 'imgg'),
        (fail_in_a_library, ValueError, 'could not be broadcast'),
    ],
)
def test_a_bug_keeps_its_type_and_where_it_happened(give, kind, told, workers):
    with pytest.raises(kind, match=told) as error, report_user_errors():
        load(give, workers)
    assert not isinstance(error.value, UserError)
    # Of a worker torch gives the traceback as text.
    places = [entry.name for entry in error.traceback]
    assert give.__name__ in (str(error.value) if workers else places)


@pytest.mark.parametrize(
    ('package', 'extra'),
    [('mmengine', 'core'), ('rasterio', 'core'), ('timm', 'convert')],
)
def test_a_package_that_is_not_installed_is_told_with_its_extra(
    package, extra, monkeypatch
):
    monkeypatch.setitem(sys.modules, package, None)
    told = (
        rf"^error: expected the package '{package}',.*rsp-pretrain\[{extra}\]'[^\n]*$"
    )
    with pytest.raises(SystemExit, match=told), report_user_errors():
        importlib.import_module(f'{package}.anything')


@pytest.mark.parametrize('module', ['mmengine.nothing', 'rsp.nothing', 'nothing'])
def test_a_module_that_an_installed_package_lacks_is_a_bug(module):
    with pytest.raises(ModuleNotFoundError), report_user_errors():
        importlib.import_module(module)


def test_operators_that_were_not_compiled_are_told_with_what_compiles_them():
    error = ModuleNotFoundError("No module named 'mmcv._ext'", name='mmcv._ext')
    with pytest.raises(SystemExit, match=r'setup_env\.sh in a'), report_user_errors():
        raise error


def test_every_package_of_an_extra_has_its_import_name():
    renamed = dict(scikit_learn='sklearn', umap_learn='umap', mmdetection='mmdet')
    renamed |= dict(mmsegmentation='mmseg')
    for extra, names in errors.EXTRAS.items():
        lines = (REQUIREMENTS / f'{extra}.txt').read_text().splitlines()
        if extra == 'core':
            lines += (REQUIREMENTS / 'geo.txt').read_text().splitlines()
        listed = {
            re.match(r'[\w-]+', line)[0].removeprefix('onedl-').replace('-', '_')
            for line in lines
            if line[0] not in '#-'
        }
        wanted = {renamed.get(name, name) for name in listed}
        # mmcv brings cv2, distributed brings dask.
        assert wanted <= {*names.split()} <= wanted | {'cv2', 'dask'}, extra


@pytest.mark.parametrize('variable', ['RANK', 'SLURM_PROCID'])
def test_the_first_process_prints_before_the_others(monkeypatch, variable):
    waited = []
    monkeypatch.setattr('time.sleep', waited.append)
    monkeypatch.setenv(variable, '3')
    with (
        pytest.raises(SystemExit, match=r'^error: rank 3: no config'),
        report_user_errors(),
    ):
        miss_a_file(0)
    assert waited == [errors.PATIENCE]
    monkeypatch.setenv(variable, '0')
    with pytest.raises(SystemExit, match=r'^error: no config'), report_user_errors():
        miss_a_file(0)


def test_missing_data_are_caught_as_python_calls_them():
    error = MissingData('nothing there')
    assert isinstance(error, FileNotFoundError)
    assert isinstance(error, UserError)
    assert str(error) == 'nothing there'


@pytest.mark.parametrize(
    'error', [UserError('gone'), MissingData('gone'), errors.BrokenFile('a.jpg', 'cut')]
)
def test_errors_are_copied_and_pickled_where_dask_changes_how(error):
    pickling = pytest.importorskip('tblib.pickling_support')
    pickling.install(type(error))
    try:
        for again in (copy.copy(error), pickle.loads(pickle.dumps(error))):
            assert type(again) is type(error)
            assert str(again) == str(error)
    finally:
        copyreg.dispatch_table.pop(type(error))


def test_long_lists_are_cut_for_a_message():
    assert shorten(['a', 'b', 'c'], shown=2) == 'a, b, ...'
    assert shorten(['a', 'b'], shown=2) == 'a, b'
    assert shorten(['a', 'b', 'c'], shown=1, more='2 more') == 'a, 2 more'


def test_control_characters_of_a_name_do_not_reach_the_terminal(capsys, monkeypatch):
    monkeypatch.delenv('RANK', raising=False)
    name = 'a\x1b]0;t\x07\x9b2J\u202egpj.\r\x7f'
    with pytest.raises(SystemExit) as leaving, report_user_errors():
        raise UserError(f"cannot load '{name}';\n\tü stays.")
    text = str(leaving.value.code)
    errors.print_once(name)
    text += capsys.readouterr().err.rstrip('\n')
    assert not {*'\x1b\x07\x9b\u202e\r\x7f'} & {*text}
    assert text.count(r'a\x1b]0;t\x07\x9b2J\u202egpj.\r\x7f') == 2
    assert ';\n\tü stays.' in text
