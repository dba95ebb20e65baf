"""The tested ranges: both OpenMMLab lines, one warning, no refusal."""

import ast
import subprocess
import sys
import warnings
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import numpy as np
import pytest

from rsp import compat

ROOT = Path(__file__).parents[1]

OFFICIAL = {
    'torch': '2.1.2+cu118',
    'mmengine': '0.10.4',
    'mmcv': '2.1.0',
    'mmpretrain': '1.2.0',
    'mmdet': '3.3.0',
    'mmsegmentation': '1.2.2',
}


@pytest.fixture
def install(monkeypatch):
    """Return a function that pretends exactly these distributions are installed."""

    def pretend(distributions: dict[str, str]) -> None:
        def version(name: str) -> str:
            if name not in distributions:
                raise PackageNotFoundError(name)
            return distributions[name]

        monkeypatch.setattr(compat, 'version', version)

    return pretend


def test_the_official_line_is_inside_the_tested_range(install):
    install(OFFICIAL)
    assert compat.outside_tested_range() == []


def test_the_pinned_releases_are_inside_the_tested_range(install):
    constraints = ROOT / 'requirements/constraints.txt'
    pins = dict(
        line.split(';')[0].strip().split('==')
        for line in constraints.read_text().splitlines()
        if '==' in line and not line.startswith('#')
    )
    install(pins)
    assert compat.outside_tested_range() == []
    assert {name: compat.installed_version(name) for name in compat.TESTED} == {
        'torch': '2.13.0',
        'mmengine': '0.10.12',
        'mmcv': '2.3.6',
        'mmpretrain': '1.3.6',
        'mmdet': '3.5.1',
        'mmseg': '1.4.2',
        'mmrotate': '1.2.1',
    }


def test_absent_packages_are_no_reason_to_warn(install):
    install({})
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        compat.warn_outside_tested_range()


@pytest.mark.parametrize(
    ('name', 'release', 'fits'),
    [
        ('mmcv', '1.7.2', False),
        ('mmcv', '2.0.0rc4', True),
        ('mmcv', '2.0', True),
        ('mmcv', '2.3.99', True),
        ('mmcv', '2.4.0', False),
        ('mmcv-lite', '2.2.0', True),
        ('onedl-mmcv', '3.0.0', False),
        ('mmdet', '3.10.0', False),
        ('torch', '2.13.0+cpu', True),
        ('torch', '2.2.0a0+81ea7a4', True),
        ('torch', '1.13.1', False),
    ],
)
def test_bounds_compare_as_numbers(install, name, release, fits):
    install({name: release})
    assert (compat.outside_tested_range() == []) is fits


def test_several_untested_packages_give_one_warning_with_release_and_range(install):
    install(OFFICIAL | {'mmdet': '2.28.2', 'mmsegmentation': '0.30.0'})
    with pytest.warns(UserWarning, match='is not tested with') as caught:
        compat.warn_outside_tested_range()
    assert len(caught) == 1
    message = str(caught[0].message)
    assert 'mmdet 2.28.2 (tested: >=3.3,<3.6)' in message
    assert 'mmseg 0.30.0 (tested: >=1.2,<1.5)' in message
    assert 'going on' in message


def test_the_maintained_line_is_preferred_where_both_are_installed(install):
    # Both write into the same folder; the maintained one is what imports, if it was
    # installed over the other, as extras do.
    install({'mmcv': '1.7.2', 'onedl-mmcv': '2.3.6'})
    assert compat.installed_version('mmcv') == '2.3.6'


def run(code: str) -> str:
    """Return the standard error of a new Python that runs some code."""
    command = [sys.executable, '-W', 'default', '-c', code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_importing_rsp_waits_for_no_library():
    run("import rsp, sys; assert not {'torch', 'mmengine', 'numpy'} & {*sys.modules}")


def test_an_operator_that_no_model_uses_is_not_spoken_of():
    assert 'MultiScaleDeformableAttention' not in run('import rsp, mmpretrain.models')


def test_torchvision_imports_after_rsp_whatever_its_binary():
    run('import rsp, torchvision.transforms')


@pytest.mark.parametrize('first', ['import mmengine, rsp', 'import rsp, mmengine', ''])
def test_every_part_is_found_by_its_name_after_one_import(first):
    pytest.importorskip('mmseg')
    run(
        f"""{first}
from mmengine.registry import DATASETS, MODELS, RUNNERS
assert MODELS.get('rsp.GeRSP').__name__ == 'GeRSP'
assert RUNNERS.get('rsp.PortableRunner') is not None
assert DATASETS.get('rsp.MaskFolder').__module__ == 'rsp.tasks.segmentation.mask_folder'
"""
    )


def test_messages_for_debugging_are_silent_after_rsp():
    code = """import rsp, mmpretrain
from mmengine.logging import print_log
import logging
print_log('a riddle', level=logging.DEBUG)
print_log('a fact', level=logging.INFO)
"""
    command = [sys.executable, '-c', code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert 'a fact' in done.stdout
    assert 'a riddle' not in done.stdout


def test_nor_does_it_where_mmcv_has_no_compiled_operators():
    # What mmcv's lite builds raise.
    code = (
        'import sys\n'
        "sys.modules['mmcv.ops.multi_scale_deform_attn'] = None\n"
        'import rsp, mmpretrain\n'
        "assert 'mmcv.cnn.bricks.transformer' in sys.modules\n"
    )
    assert 'MultiScaleDeformableAttention' not in run(code)


def adjust_hue_of_mmcv_2_1(img, hue_factor, backend=None):
    """As there, but for the conversions of the colors."""
    return img + np.uint8(hue_factor * 255)


@pytest.mark.parametrize('hue', [-0.5, -0.3, -0.0039, 0.0, 0.2, 0.5])
def test_hues_turn_backwards_beside_numpy_2(monkeypatch, hue):
    mmcv = pytest.importorskip('mmcv')
    monkeypatch.setattr(mmcv, 'adjust_hue', adjust_hue_of_mmcv_2_1)
    pixels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    fails = np.lib.NumpyVersion(np.__version__) >= '2.0.0'
    assert compat.mend_adjust_hue() is fails
    expected = (pixels.astype(int) + int(hue * 255)) % 256
    np.testing.assert_array_equal(mmcv.adjust_hue(pixels, hue), expected)
    assert not compat.mend_adjust_hue()  # twice is once


def test_a_mmcv_that_turns_hues_is_left_alone():
    mmcv = pytest.importorskip('mmcv')
    pytest.importorskip('mmpretrain')
    assert not compat.mend_adjust_hue()
    red = np.full((2, 2, 3), (0, 0, 255), np.uint8)
    # A third back is blue, to a step of 255.
    np.testing.assert_allclose(mmcv.adjust_hue(red, -1 / 3)[0, 0], (255, 0, 0), atol=6)


def test_what_replaces_functions_of_other_libraries_is_listed():
    source = Path(compat.__file__).read_text(encoding='utf-8')
    patches = {
        function.name
        for function in ast.parse(source).body
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Attribute)
        and not node.targets[0].attr.startswith('__')
    }
    assert patches == {
        'silence_debug_logs',
        'mend_adjust_hue',
        'patch_checkpoint_loader',
        'patch_checkpoint_saver',
        'patch_registry_build',
        'visualizers_write_on_every_rank',
    }
    assert all(f'* `{name}`: ' in compat.__doc__ for name in patches)
