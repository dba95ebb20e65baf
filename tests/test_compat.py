"""The tested ranges: both OpenMMLab lines, one warning, no refusal."""

import warnings
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from rsp import compat

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
    constraints = Path(__file__).parents[1] / 'requirements/constraints.txt'
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


def test_several_misfits_give_one_warning_with_release_and_range(install):
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
