"""What a header says equals what was written, and needs no decoding."""

import numpy as np
import pytest
from PIL import Image
from tiffs import write_tiff

from rsp.errors import MissingData, UserError
from rsp.io.images import read_info

rasterio = pytest.importorskip('rasterio', reason="needs the 'geo' extra")

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 40, 50), dtype=np.uint8)
COLORS = PIXELS[:3].transpose(1, 2, 0)


@pytest.mark.parametrize(
    ('name', 'mode', 'colors'),
    [
        ('a.jpg', 'RGB', ('red', 'green', 'blue')), ('a.jpg', 'L', ('gray',)),
        ('a.jpg', 'CMYK', ('cyan', 'magenta', 'yellow', 'black')),
        ('a.png', 'RGB', ('red', 'green', 'blue')), ('a.png', 'L', ('gray',)),
        ('a.png', 'RGBA', ('red', 'green', 'blue', 'alpha')),
        ('a.png', 'LA', ('gray', 'alpha')), ('a.png', 'P', ('palette',)),
        ('a.gif', 'P', ('palette',)), ('a.bmp', 'RGB', ('red', 'green', 'blue')),
        ('a.webp', 'RGB', ('red', 'green', 'blue')),
        ('a.webp', 'RGBA', ('red', 'green', 'blue', 'alpha')),
    ],
)  # fmt: skip
def test_pictures_tell_size_and_colors(tmp_path, name, mode, colors):
    image = Image.fromarray(COLORS).convert(mode)
    if mode.endswith('A'):  # WebP leaves out alpha that is 255 everywhere.
        image.putalpha(Image.fromarray(PIXELS[3]))
    image.save(tmp_path / name)
    info = read_info(tmp_path / name)
    assert (info.shape, info.colors, info.dtype) == ((40, 50), colors, 'uint8')
    assert (info.bits, info.pages) == (8, 1)
    assert info.mask == ('alpha' if mode.endswith('A') else 'none')
    assert (info.palette is not None) == (mode == 'P')


@pytest.mark.parametrize('bits', [1, 2, 4, 8, 16])
def test_a_png_tells_its_bits(tmp_path, bits):
    file = tmp_path / 'a.png'
    if bits == 16:
        Image.fromarray(PIXELS[0].astype(np.uint16)).save(file)
    elif bits == 1:
        Image.fromarray(PIXELS[0] > 99).save(file)
    else:
        image = Image.fromarray(PIXELS[0]).quantize(2**bits)
        image.save(file, bits=bits)
    info = read_info(file)
    assert info.bits == bits
    assert info.dtype == ('uint16' if bits == 16 else 'uint8')


def test_a_palette_lists_its_colors_and_what_is_clear(tmp_path):
    image = Image.fromarray(PIXELS[0] % 3).convert('P')
    image.putpalette([1, 2, 3, 4, 5, 6, 7, 8, 9])
    expected = ((1, 2, 3, 255), (4, 5, 6, 0), (7, 8, 9, 255))
    for name in ('a.png', 'a.gif'):
        image.save(tmp_path / name, transparency=1)
        info = read_info(tmp_path / name)
        assert info.palette[:3] == expected
        assert info.mask == 'alpha'
    file = write_tiff(tmp_path / 'a.tif', PIXELS[:1] % 3, photometric='palette')
    with rasterio.open(file, 'r+') as data:
        data.write_colormap(1, {n: color[:3] for n, color in enumerate(expected)})
    assert [color[:3] for color in read_info(file).palette[:3]] == [
        color[:3] for color in expected
    ]


@pytest.mark.parametrize('turn', range(1, 9))
@pytest.mark.parametrize('name', ['a.jpg', 'a.png'])
def test_an_image_that_exif_turns_has_its_upright_size(tmp_path, name, turn):
    exif = Image.Exif()
    exif[0x0112] = turn
    Image.fromarray(COLORS).save(tmp_path / name, exif=exif)
    info = read_info(tmp_path / name)
    assert info.orientation == turn
    assert info.shape == ((40, 50) if turn < 5 else (50, 40))


def test_the_ending_does_not_matter(tmp_path):
    Image.fromarray(COLORS).save(tmp_path / 'a.jpg', format='PNG')
    assert read_info(tmp_path / 'a.jpg').format == 'PNG'


def test_frames_and_pages_are_counted(tmp_path):
    frames = [Image.fromarray(band) for band in PIXELS]
    more = dict(save_all=True, append_images=frames[1:])
    for name in ('a.gif', 'a.png', 'a.webp', 'a.tif'):
        frames[0].save(tmp_path / name, **more)
        assert read_info(tmp_path / name).pages == 5, name
    assert read_info(tmp_path / 'a.tif').subdatasets[4].startswith('GTIFF_DIR:5:')


def test_overviews_are_no_pages(tmp_path):
    file = write_tiff(tmp_path / 'a.tif', np.zeros((3, 600, 700), np.uint8))
    with rasterio.open(file, 'r+') as data:
        data.build_overviews([2, 4])
    assert read_info(file).pages == 1


@pytest.mark.parametrize(
    ('count', 'options', 'colors', 'expected'),
    [
        (3, {}, None, (1, 2, 3)),
        (4, dict(photometric='MINISBLACK'), None, (1, 2, 3)),
        (4, {}, ('blue', 'green', 'red', 'undefined'), (3, 2, 1)),
        (4, {}, ('alpha', 'red', 'green', 'blue'), (2, 3, 4)),
        (5, {}, ('red', 'green', 'blue', 'alpha', 'undefined'), (1, 2, 3)),
        (4, {}, ('alpha', 'undefined', 'undefined', 'undefined'), (2, 3, 4)),
        (2, {}, ('gray', 'alpha'), (1,)), (2, {}, ('gray', 'undefined'), ()),
    ],
)  # fmt: skip
def test_colors_are_where_a_tiff_says(tmp_path, count, options, colors, expected):
    file = write_tiff(tmp_path / 'a.tif', PIXELS[:count], colors or (), **options)
    info = read_info(file)
    assert info.color_bands == expected
    assert info.bands == count
    if colors and 'alpha' in colors:
        alpha = colors.index('alpha') + 1
        assert info.alpha_bands == (alpha,)
        assert info.mask == 'alpha'
        assert alpha not in info.data_bands


def test_a_tiff_tells_types_no_data_scales_and_names(tmp_path):
    file = write_tiff(tmp_path / 'a.tif', PIXELS[:2].astype(np.int16), nodata=-9999)
    with rasterio.open(file, 'r+') as data:
        data.scales, data.offsets = (0.1, 1.0), (5.0, 0.0)
        data.descriptions = ('B02', None)
        data.gcps = [rasterio.control.GroundControlPoint(0, 0, 1, 2)], None
    info = read_info(file)
    assert (info.dtypes, info.bits) == (('int16', 'int16'), 16)
    assert (info.nodata, info.mask) == ((-9999.0, -9999.0), 'none')
    assert (info.scales, info.offsets) == ((0.1, 1.0), (5.0, 0.0))
    assert info.descriptions == ('B02', None)
    assert (info.has_gcps, info.has_rpcs) == (True, False)
    assert read_info(write_tiff(tmp_path / 'b.tif', PIXELS[:1] % 2, nbits=1)).bits == 1


def test_a_mask_inside_or_beside_a_tiff_is_seen(tmp_path):
    for inside in (True, False):
        file = write_tiff(tmp_path / f'{inside}.tif', PIXELS[:3])
        with (
            rasterio.Env(GDAL_TIFF_INTERNAL_MASK=inside),
            rasterio.open(file, 'r+') as data,
        ):
            data.write_mask(PIXELS[3])
        assert read_info(file).mask == 'mask'


def test_files_that_are_no_images_are_named(tmp_path):
    with pytest.raises(MissingData, match=r"cannot load '.*gone\.png'"):
        read_info(tmp_path / 'gone.png')
    (tmp_path / 'empty.jpg').touch()
    with pytest.raises(UserError, match=r"empty\.jpg' as an image \(it is empty\)"):
        read_info(tmp_path / 'empty.jpg')
    (tmp_path / 'text.tif').write_text('no image at all')
    with pytest.raises(UserError, match=r"cannot read '.*text\.tif' as an image"):
        read_info(tmp_path / 'text.tif')
    Image.fromarray(COLORS).save(tmp_path / 'a.jpg')
    for name in ('a.jpg', 'a.png'):
        Image.fromarray(COLORS).save(tmp_path / name)
        whole = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(whole[:30])
        with pytest.raises(UserError, match='cut off'):
            read_info(tmp_path / name)


def test_a_sidecar_free_picture_needs_no_rasterio(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__('sys').modules, 'rasterio', None)
    Image.fromarray(COLORS).save(tmp_path / 'a.png')
    Image.fromarray(COLORS).save(tmp_path / 'a.tif')
    assert read_info(tmp_path / 'a.png').bands == 3
    with pytest.raises(UserError, match=r"a\.tif'.*pip install 'rsp-pretrain\[geo\]'"):
        read_info(tmp_path / 'a.tif')
