"""Ordinary JPEGs by simplejpeg: the pixels of OpenCV, upright as those of Pillow."""

import io
from functools import cache

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from rsp.datasets.transforms import load_image, loader_log
from rsp.datasets.transforms.load_image import LoadImageFromFile
from rsp.datasets.transforms.loader_log import tell_slow_jpegs
from rsp.io.images import decoders
from rsp.io.images.decoders import decode_colors, decode_jpeg
from rsp.io.images.headers import ordinary_jpeg

pytestmark = pytest.mark.skipif(
    decoders.simplejpeg is None, reason='simplejpeg is not installed'
)


def picture(height=61, width=84):
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (9, 12, 3), np.uint8)
    image = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    image[:9, :20] = rng.integers(0, 256, image[:9, :20].shape)
    return Image.fromarray(image)


def jpeg(image=None, **options):
    stream = io.BytesIO()
    (image or picture()).save(stream, 'JPEG', **options)
    return stream.getvalue()


FILES = dict(
    full=dict(subsampling='4:4:4'),
    half=dict(subsampling='4:2:2', quality=95),
    quarter=dict(subsampling='4:2:0', quality=30),
    progressive=dict(progressive=True),
    rgb=dict(keep_rgb=True),
    restarts=dict(restart_marker_blocks=3),
    optimized=dict(optimize=True, quality=100),
)


@pytest.mark.parametrize('name', FILES)
@pytest.mark.parametrize('size', [(61, 84), (16, 8), (7, 33)])
def test_pixels_are_those_of_opencv(name, size):
    content = jpeg(picture(*size), **FILES[name])
    frame = ordinary_jpeg(content)
    assert frame.shape == size
    expected = decode_colors(content)
    assert (decode_jpeg(content, frame) == expected).all()
    assert (decode_jpeg(content, frame, 'rgb') == expected[..., ::-1]).all()


def test_gray_is_given_three_bands():
    content = jpeg(picture().convert('L'))
    pixels = decode_jpeg(content, ordinary_jpeg(content))
    assert (pixels == decode_colors(content)).all()
    assert pixels.shape == (61, 84, 3)


@pytest.mark.parametrize('orientation', range(1, 9))
def test_turned_files_come_upright_as_from_pillow(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = jpeg(exif=exif, subsampling='4:4:4')
    frame = ordinary_jpeg(content)
    upright = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(content))))
    assert frame.shape == upright.shape[:2]
    assert (decode_jpeg(content, frame, 'rgb') == upright).all()
    assert (decode_colors(content)[..., ::-1] == upright).all()
    # Squares start in the corner of the file, which the turn moves.
    half = decode_jpeg(content, frame, 'rgb', reduction=2)
    stored = decode_jpeg(jpeg(subsampling='4:4:4'), ordinary_jpeg(jpeg()), 'rgb', 2)
    stream = io.BytesIO()
    Image.fromarray(stored).save(stream, 'PNG', exif=exif)
    turned = ImageOps.exif_transpose(Image.open(stream))
    assert (half == np.asarray(turned)).all()


@pytest.mark.parametrize('reduction', [2, 4, 8])
@pytest.mark.parametrize('name', ['full', 'half', 'quarter', 'progressive'])
def test_reduced_pixels_are_about_the_means_of_squares(reduction, name):
    content = jpeg(picture(128, 160), **{**FILES[name], 'quality': 95})
    frame = ordinary_jpeg(content)
    whole = decode_jpeg(content, frame).astype(float)
    reduced = decode_jpeg(content, frame, reduction=reduction).astype(float)
    shape = (128 // reduction, reduction, 160 // reduction, reduction, 3)
    means = whole.reshape(shape).mean((1, 3))
    assert reduced.shape == means.shape
    wrong = (reduced - means)[16 // reduction :]  # Below the noise in the corner.
    # Colors that are stored at half the width alone stay so.
    wrong = wrong @ (0.114, 0.587, 0.299) if name == 'half' else wrong
    assert np.abs(wrong).mean() < 2


def test_odd_sizes_are_rounded_up():
    content = jpeg()
    frame = ordinary_jpeg(content)
    for reduction, shape in ((2, (31, 42)), (4, (16, 21)), (8, (8, 11))):
        assert decode_jpeg(content, frame, reduction=reduction).shape[:2] == shape


@pytest.mark.parametrize('mode', ['CMYK', 'cut', 'zeros', 'png'])
def test_others_are_left_to_the_one_who_looks_closer(mode):
    content = jpeg(picture().convert('CMYK')) if mode == 'CMYK' else jpeg()
    if mode == 'cut':
        content = content[:-300]
    if mode == 'zeros':
        content = content[:-300] + bytes(300)
    if mode == 'png':
        content = b'\x89PNG' + content
    assert ordinary_jpeg(content) is None


def test_damage_that_libjpeg_mends_is_left_to_the_one_who_tells(tmp_path):
    content = bytearray(jpeg(picture(200, 240)))
    content[len(content) // 2 : len(content) // 2 + 40] = b'\xff\x01' * 20
    frame = ordinary_jpeg(bytes(content))
    assert decode_jpeg(bytes(content), frame) is None
    (tmp_path / 'damaged.jpg').write_bytes(content)
    read = LoadImageFromFile().read(str(tmp_path / 'damaged.jpg'))
    assert (read == decode_colors(bytes(content))).all()


def test_without_simplejpeg_opencv_reads_the_same(tmp_path, monkeypatch):
    (tmp_path / 'image.jpg').write_bytes(jpeg())
    fast = LoadImageFromFile().read(str(tmp_path / 'image.jpg'))
    monkeypatch.setattr(decoders, 'simplejpeg', None)
    monkeypatch.setattr(
        load_image, 'tell_slow_jpegs', cache(tell_slow_jpegs.__wrapped__)
    )
    said = []
    monkeypatch.setattr(loader_log, 'print_log', lambda text, **_: said.append(text))
    for _ in range(2):
        loader = LoadImageFromFile()
        assert (loader.read(str(tmp_path / 'image.jpg')) == fast).all()
    assert len(said) == 1
    assert 'pip install simplejpeg' in said[0]
