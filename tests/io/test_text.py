import pytest

from rsp.datasets import ImageFolder
from rsp.io.text import read_lines


def test_windows_ends_of_lines_and_mark_are_no_part_of_a_name(tmp_path):
    (tmp_path / 'list.txt').write_bytes('\ufeffsão.png\r\nb.png\r\n'.encode())
    assert read_lines(tmp_path / 'list.txt') == ['são.png', 'b.png']


def test_another_encoding_is_refused_by_file(tmp_path):
    (tmp_path / 'list.txt').write_bytes('são.png'.encode('latin-1'))
    with pytest.raises(ValueError, match=r"UTF-8 in '.*list\.txt', got .*save it as"):
        read_lines(tmp_path / 'list.txt')


def test_a_list_of_images_written_on_windows_is_read(tmp_path, write_images):
    root = write_images('data', ['é/1.png', '2.png'])
    (root / 'list.txt').write_bytes('\ufeffé/1.png 1\r\n2.png 0\r\n'.encode())
    dataset = ImageFolder(data_root=str(root), ann_file='list.txt', pipeline=[])
    assert dataset.labels.tolist() == [1, 0]
