"""Two hundred damaged images: each is refused by its name, or right; none hangs."""

import os
import warnings

import mutations
import numpy as np
import pytest

from rsp.datasets.transforms import load_image
from rsp.errors import UserError
from rsp.io.images import read_picture
from rsp.io.images.decoders import MENDED, decode_colors, listen

ALL = mutations.mutations()
# One of each kind and format that differ in the code that reads them.
QUICK = {
    'jpeg-cut-0', 'jpeg-cut-7', 'jpeg-bit-3', 'jpeg-zeros-to-the-end', 'jpeg-html',
    'jpeg-folder', 'jpeg-pipe', 'jpeg-link-to-zeros', 'jpeg-broken-link',
    'jpeg-bytes-before', 'jpeg-bytes-after', 'progressive-zeros-2', 'png-cut-5',
    'png-bit-0', 'png-named-but-jpeg', 'png-link-to-itself', 'tiff-cut-9', 'tiff-html',
    'webp-cut-4', 'bmp-cut-8', 'bomb-png-colors', 'bomb-png-text', 'bomb-tiff',
    'widejpg',
}  # fmt: skip


def test_there_are_two_hundred():
    assert len(ALL) >= 200
    assert len({mutation.name for mutation in ALL}) == len(ALL)
    assert {mutation.name for mutation in ALL} >= QUICK


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    'mutation',
    [
        pytest.param(m, id=m.name, marks=() if m.name in QUICK else pytest.mark.slow)
        for m in ALL
    ],
)
def test_a_damaged_image(mutation, tmp_path, monkeypatch):
    file = mutation.write(tmp_path)
    if mutation.name.endswith('unreadable') and os.access(file, os.R_OK):
        pytest.skip('permissions do not bind this user')
    told = []
    monkeypatch.setattr(load_image, 'tell', lambda path, notes: told.extend(notes))
    pixels = message = None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('error')
            pixels = load_image.LoadImageFromFile().read(str(file))
    except UserError as error:
        message = str(error)
    assert message is None or (str(file) in message and '\n' not in message)
    if mutation.verdict == mutations.REFUSED:
        assert pixels is None
    elif mutation.verdict != mutations.EITHER:
        assert pixels is not None
    if mutation.verdict == mutations.SAME:
        (tmp_path / 'original').write_bytes(mutations.originals()[mutation.original][1])
        original = load_image.LoadImageFromFile().read(str(tmp_path / 'original'))
        np.testing.assert_array_equal(pixels, original)
        assert not told


def test_what_libjpeg_mends_is_told_and_other_words_go_on(tmp_path, capfd):
    (mutation,) = (m for m in ALL if m.name == 'jpeg-bit-3')
    told = []
    loader = load_image.LoadImageFromFile()
    file = mutation.write(tmp_path)

    assert MENDED in read_picture(file).notes
    assert capfd.readouterr().err == ''

    def decode(content):
        os.write(2, b'from another thread\n')
        return decode_colors(content)

    assert listen(decode, file.read_bytes())[1]
    assert capfd.readouterr().err == 'from another thread\n'
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(load_image, 'tell', lambda path, notes: told.append(notes))
        loader.read(str(file))
    assert told == [(MENDED,)]
