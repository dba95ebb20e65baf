import pytest

from rsp.errors import MissingData, UserError
from rsp.tasks.common.faults import Faults
from rsp.tasks.common.listing import list_files, match_files, read_list


@pytest.fixture
def faults():
    return Faults('here')


def test_images_of_all_formats_are_listed_once(tmp_path, write_images, faults):
    write_images('images', ['c.png', 'a.JPG', 'b.c.tif', 'd.jpeg', 'e.bmp'])
    (tmp_path / 'images/notes.md').touch()
    (tmp_path / 'images/._c.png').touch()
    assert list(list_files(tmp_path / 'images', faults)) == ['a', 'b.c', 'c', 'd', 'e']
    faults.refuse()
    write_images('images', ['a.png'])
    list_files(tmp_path / 'images', faults)
    with pytest.raises(UserError, match=r"'a\.JPG' and 'a\.png' share a name"):
        faults.refuse()


def test_a_missing_and_an_empty_folder_are_refused(tmp_path, faults):
    with pytest.raises(MissingData, match=r"folder at '.*elsewhere'.*change X"):
        list_files(tmp_path / 'elsewhere', faults, option='X')
    with pytest.raises(MissingData, match=r'ending in \.xml in .*found none'):
        list_files(tmp_path, faults, ('.xml',))


def test_a_list_names_each_image_once_with_or_without_ending(tmp_path, faults):
    file = tmp_path / 'list.txt'
    file.write_text('sub/c.PNG\n\n  a \nP1.x\n')
    assert read_list(file, faults) == ['sub/c', 'a', 'P1.x']
    faults.refuse()
    file.write_text('b\na\nb.png\na\n')
    read_list(file, faults)
    with pytest.raises(UserError, match=r'list\.txt. names a, b more than once'):
        faults.refuse()
    with pytest.raises(MissingData, match=r"a list of names at '.*none\.txt'"):
        read_list(tmp_path / 'none.txt', faults)


def test_an_empty_list_is_a_fault(tmp_path, faults):
    (tmp_path / 'list.txt').write_text('\n')
    assert read_list(tmp_path / 'list.txt', faults) == []
    with pytest.raises(UserError, match='one name per line'):
        faults.refuse()


def test_names_without_partner_are_named_by_folder(faults):
    images, labels = dict(a='a.png', b='b.png', c='c.png'), dict(a='a.txt', x='x.txt')
    matched = match_files([('images', images), ('labels', labels)], faults)
    assert matched == {'a': ('a.png', 'a.txt')}
    with pytest.raises(MissingData, match='2 problems') as refusal:
        faults.refuse()
    message = str(refusal.value)
    assert "1 of 4 names have no file in 'images' (x); add the files, or r" in message
    assert "2 of 4 names have no file in 'labels' (b, c); add" in message


def test_a_list_chooses_and_orders(faults):
    images = dict(a='a.png', b='b.png', c='c.png')
    assert list(match_files([('images', images)], faults, ['c', 'a'])) == ['c', 'a']
    faults.refuse()
    match_files([('images', images)], faults, ['d'])
    with pytest.raises(MissingData, match=r"1 of 1 names .*'images' \(d\).*the list"):
        faults.refuse()
