import pytest

from rsp.tasks.common.values import read_flag


@pytest.mark.parametrize('value', ['1', 1, True, 'true', 'True', ' YES ', 'yes', 1.0])
def test_yes(value):
    assert read_flag(value, 'iscrowd') is True


@pytest.mark.parametrize(
    'value', ['0', 0, False, 'false', 'False', 'no', '', None, 0.0, ' 0\n']
)
def test_no(value):
    """``'0'`` and ``'false'`` are true in Python."""
    assert read_flag(value, 'iscrowd') is False


@pytest.mark.parametrize('value', ['2', 2, -1, 0.5, 'maybe', 'Unspecified', [], [1]])
def test_anything_else_is_refused_with_its_value(value):
    with pytest.raises(ValueError, match='expected 0 or 1 in iscrowd, got') as refusal:
        read_flag(value, 'iscrowd')
    assert repr(value) in str(refusal.value)
