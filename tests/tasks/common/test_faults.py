import pytest

from rsp.errors import MissingData, UserError
from rsp.tasks.common.faults import Faults


@pytest.fixture
def faults():
    return Faults('list.txt')


def test_without_a_fault_nothing_is_refused(faults):
    with faults.at('line 1'):
        pass
    faults.refuse()


def test_many_faults_are_counted_and_ten_shown(faults):
    for number in range(12):
        faults.add(f'fault {number}', f'line {number}')
    with pytest.raises(UserError, match=r"12 problems in 'list\.txt'") as refusal:
        faults.refuse()
    assert str(refusal.value).splitlines()[1:] == [
        *(f'- line {n}: fault {n}' for n in range(10)),
        '- ... and 2 others.',
    ]


def test_a_fault_is_said_once_with_its_first_place(faults):
    for number in (3, 7, 9):
        with faults.at(f'line {number}'):
            raise UserError('no class.')
    with pytest.raises(UserError, match='3 problems') as refusal:
        faults.refuse()
    assert str(refusal.value).endswith('- line 3: no class. So in 2 more places.')


def test_missing_files_alone_are_missing_data(faults):
    faults.add('a is missing', missing=True)
    with faults.at('b'):
        raise MissingData('b is missing')
    with pytest.raises(MissingData, match='2 problems'):
        faults.refuse()
    faults.add('c is broken')
    with pytest.raises(UserError, match='3 problems') as refusal:
        faults.refuse()
    assert not isinstance(refusal.value, FileNotFoundError)


def test_a_bug_is_not_collected(faults):
    with pytest.raises(KeyError), faults.at('line 1'):
        raise KeyError('imgg')
