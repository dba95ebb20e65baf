"""Every kind of file becomes the colors that rasterio, NumPy or Pillow computes."""

import io

import cv2
import mmcv
import numpy as np
import pytest
from PIL import Image
from tiffs import write_tiff

from rsp.errors import BrokenFile, MissingData, UserError
from rsp.io.images import ColorRule, read_picture, read_stored

rasterio = pytest.importorskip('rasterio', reason="needs the 'geo' extra")

PIXELS = np.random.default_rng(0).integers(1, 256, (13, 40, 50), dtype=np.uint8)
COLORS = np.ascontiguousarray(PIXELS[:3].transpose(1, 2, 0))
OPAQUE = np.full((1, 40, 50), 255, np.uint8)
HALF = OPAQUE.copy()
HALF[:, :, :25] = 0
RGB = ('red', 'green', 'blue')
TILED = dict(tiled=True, blockxsize=16, blockysize=16)


def bands(*numbers):
    return PIXELS[[number - 1 for number in numbers]].transpose(1, 2, 0)


def left_half_black(image):
    image = image.copy()
    image[:, :25] = 0
    return image


@pytest.mark.parametrize(
    ('count', 'colors', 'options', 'expected'),
    [
        (3, (), {}, (1, 2, 3)),
        (3, (), dict(photometric='MINISBLACK'), (1, 2, 3)),
        (3, (), dict(photometric='RGB', interleave='band'), (1, 2, 3)),
        (3, (), dict(photometric='MINISBLACK', interleave='band'), (1, 2, 3)),
        (3, (), dict(compress='deflate', predictor=2, **TILED), (1, 2, 3)),
        (3, (), dict(compress='lzw'), (1, 2, 3)),
        (3, (), dict(compress='zstd', **TILED), (1, 2, 3)),
        (3, (), dict(compress='lerc'), (1, 2, 3)),
        (3, (), dict(BIGTIFF='YES'), (1, 2, 3)),
        (3, (), dict(driver='COG', compress='deflate'), (1, 2, 3)),
        (3, (), dict(driver='ENVI'), (1, 2, 3)),
        (3, ('blue', 'green', 'red'), {}, (3, 2, 1)),
        (4, (), dict(photometric='MINISBLACK'), (1, 2, 3)),
        (4, (), dict(photometric='RGB'), (1, 2, 3)),
        (4, (), dict(photometric='MINISBLACK', interleave='band'), (1, 2, 3)),
        (4, (), dict(driver='COG', nodata=0), (1, 2, 3)),
        (4, ('undefined', *RGB), {}, (2, 3, 4)),
        (4, ('blue', 'green', 'red', 'undefined'), {}, (3, 2, 1)),
        # Called alpha, but full of values: near infrared.
        (4, (*RGB, 'alpha'), {}, (1, 2, 3)),
        (4, ('alpha', *RGB), {}, (2, 3, 4)),
        (4, (*RGB, 'alpha'), dict(driver='COG'), (1, 2, 3)),
        (5, (*RGB, 'alpha', 'undefined'), {}, (1, 2, 3)),
        (5, (*RGB, 'alpha', 'alpha'), {}, (1, 2, 3)),
        (5, (), dict(photometric='RGB'), (1, 2, 3)),
        (13, (), dict(interleave='band'), (1, 2, 3)),
        (1, (), {}, (1, 1, 1)),
        (1, (), dict(compress='packbits'), (1, 1, 1)),
        (2, ('gray', 'alpha'), {}, (1, 1, 1)),
    ],
)  # fmt: skip
def test_tiffs_of_8_bits_are_their_own_bands(
    tmp_path, count, colors, options, expected
):
    file = write_tiff(tmp_path / 'a.tif', PIXELS[:count], colors, **options)
    picture = read_picture(file)
    np.testing.assert_array_equal(picture.pixels, bands(*expected))
    assert picture.pixels.flags.c_contiguous
    with_alpha = any('called alpha' in note for note in picture.notes)
    assert with_alpha == ('alpha' in colors)
    swapped = read_picture(file, order='bgr').pixels
    np.testing.assert_array_equal(swapped, picture.pixels[..., ::-1])


@pytest.mark.parametrize(
    ('stack', 'colors', 'expected'),
    [
        ((PIXELS[:3], HALF), (*RGB, 'alpha'), (1, 2, 3)),
        ((HALF, PIXELS[:3]), ('alpha', *RGB), (1, 2, 3)),
        ((PIXELS[:1], HALF), ('gray', 'alpha'), (1, 1, 1)),
        ((PIXELS[:3], HALF, PIXELS[3:4]), (*RGB, 'alpha', 'undefined'), (1, 2, 3)),
        ((PIXELS[:5], HALF), (*RGB, 'undefined', 'undefined', 'alpha'), (1, 2, 3)),
        ((PIXELS[:3], OPAQUE, HALF), (*RGB, 'alpha', 'alpha'), (1, 2, 3)),
        # Infrared that is called alpha, and a mask.
        ((PIXELS[:4], HALF), (*RGB, 'alpha', 'alpha'), (1, 2, 3)),
    ],
)
def test_alpha_is_a_mask_wherever_it_stands(tmp_path, stack, colors, expected):
    file = write_tiff(tmp_path / 'a.tif', np.concatenate(stack), colors)
    picture = read_picture(file)
    assert any('without data' in note for note in picture.notes)
    np.testing.assert_array_equal(picture.pixels, left_half_black(bands(*expected)))


def test_opaque_alpha_changes_nothing(tmp_path):
    stack = np.concatenate([PIXELS[:3], OPAQUE])
    picture = read_picture(write_tiff(tmp_path / 'a.tif', stack, (*RGB, 'alpha')))
    np.testing.assert_array_equal(picture.pixels, COLORS)
    assert picture.notes == ()


def test_infrared_that_is_0_on_water_is_no_mask(tmp_path):
    """Nine tenths are 0, but the colors go on below them."""
    infrared = PIXELS[3:4].copy()
    infrared[:, :36] = 0
    stack = np.concatenate([PIXELS[:3], infrared])
    picture = read_picture(write_tiff(tmp_path / 'a.tif', stack, (*RGB, 'alpha')))
    np.testing.assert_array_equal(picture.pixels, COLORS)


@pytest.mark.parametrize('inside', [True, False])
def test_a_mask_inside_or_beside_a_file_blackens(tmp_path, inside):
    file = write_tiff(tmp_path / 'a.tif', PIXELS[:3])
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=inside),
        rasterio.open(file, 'r+') as data,
    ):
        data.write_mask(HALF[0])
    np.testing.assert_array_equal(read_picture(file).pixels, left_half_black(COLORS))


def test_no_data_in_every_band_becomes_black_and_in_one_is_a_color(tmp_path):
    pixels = np.maximum(PIXELS[:3], 2)
    pixels[:, :, :25] = 1
    pixels[0] = 1
    file = write_tiff(tmp_path / 'a.tif', pixels, nodata=1)
    expected = left_half_black(pixels.transpose(1, 2, 0))
    np.testing.assert_array_equal(read_picture(file).pixels, expected)


@pytest.mark.parametrize('driver', ['GTiff', 'PNG', 'GIF'])
def test_a_palette_becomes_its_colors(tmp_path, driver):
    table = np.random.default_rng(1).integers(0, 256, (256, 3), dtype=np.uint8)
    file = tmp_path / 'a'
    if driver == 'GTiff':
        write_tiff(file, PIXELS[:1], photometric='palette')
        with rasterio.open(file, 'r+') as data:
            data.write_colormap(1, {n: (*c.tolist(), 255) for n, c in enumerate(table)})
    else:
        image = Image.fromarray(PIXELS[0]).convert('P')
        image.putpalette(table.tobytes())
        image.save(file, driver, optimize=False)
    np.testing.assert_array_equal(read_picture(file).pixels, table[PIXELS[0]])
    if driver != 'GIF':  # Pillow sorts the colors of a GIF.
        np.testing.assert_array_equal(read_stored(file), PIXELS[0])


def test_a_clear_color_of_a_palette_becomes_black(tmp_path):
    image = Image.fromarray(HALF[0] // 255).convert('P')
    image.putpalette([9, 8, 7, 6, 5, 4])
    expected = np.where(HALF[0][..., None] > 0, [6, 5, 4], 0)
    for name in ('a.png', 'a.gif'):
        image.save(tmp_path / name, transparency=0)
        picture = read_picture(tmp_path / name)
        np.testing.assert_array_equal(picture.pixels, expected, name)
        assert any('without data' in note for note in picture.notes)


@pytest.mark.parametrize('white', [True, False])
def test_one_bit_is_black_and_white(tmp_path, white):
    bits = PIXELS[:1] > 99
    photometric = 'MINISWHITE' if white else 'MINISBLACK'
    options = dict(nbits=1, photometric=photometric)
    write_tiff(tmp_path / 'a.tif', bits.astype(np.uint8), **options)
    Image.fromarray(bits[0] ^ white).save(tmp_path / 'a.png')
    for name in ('a.tif', 'a.png'):
        picture = read_picture(tmp_path / name)
        expected = 255 * (bits[0] ^ white)[..., None].repeat(3, 2)
        np.testing.assert_array_equal(picture.pixels, expected)
        assert any('1 bit' in note for note in picture.notes)


def test_few_bits_are_spread_over_eight(tmp_path):
    file = write_tiff(tmp_path / 'a.tif', PIXELS[:1] % 16, nbits=4)
    expected = (PIXELS[0] % 16 * 17)[..., None].repeat(3, 2)
    np.testing.assert_array_equal(read_picture(file).pixels, expected)


def test_gray_where_0_is_white_is_turned_round(tmp_path):
    file = write_tiff(tmp_path / 'a.tif', PIXELS[:1], photometric='MINISWHITE')
    expected = 255 - PIXELS[0][..., None].repeat(3, 2)
    np.testing.assert_array_equal(read_picture(file).pixels, expected)


def test_ycbcr_inside_a_tiff_is_what_its_jpeg_shows(tmp_path):
    slope = np.add.outer(np.arange(48), 2 * np.arange(64))
    smooth = np.dstack([slope + 20, 220 - slope, slope // 2 + 60]).astype(np.uint8)
    file = write_tiff(
        tmp_path / 'a.tif', smooth.transpose(2, 0, 1), photometric='YCBCR',
        compress='JPEG', jpeg_quality=95,
    )  # fmt: skip
    with Image.open(file) as image:
        theirs = np.asarray(image.convert('RGB')).astype(int)
    assert np.abs(read_picture(file).pixels - theirs).max() <= 4
    Image.fromarray(smooth).convert('YCbCr').save(tmp_path / 'b.tif')
    raw = read_picture(tmp_path / 'b.tif').pixels.astype(int)
    assert np.abs(raw - smooth).max() <= 4


@pytest.mark.parametrize('name', ['a.tif', 'a.jpg'])
def test_cmyk_becomes_the_colors_that_it_prints(tmp_path, name):
    ink = cv2.resize(np.dstack([COLORS, PIXELS[3]]), (64, 48))
    Image.fromarray(ink, 'CMYK').save(tmp_path / name, quality=100)
    with Image.open(tmp_path / name) as image:
        stored = np.asarray(image).astype(float)
    expected = (255 - stored[..., :3]) * (255 - stored[..., 3:]) / 255
    assert np.abs(read_picture(tmp_path / name).pixels - expected).max() <= 2


def test_jpeg_2000_is_read_by_rasterio(tmp_path):
    Image.fromarray(COLORS).save(tmp_path / 'a.jp2')
    np.testing.assert_array_equal(read_picture(tmp_path / 'a.jp2').pixels, COLORS)


@pytest.mark.parametrize('turn', range(1, 9))
@pytest.mark.parametrize(
    ('name', 'mode', 'options'),
    [
        ('a.jpg', 'RGB', {}), ('a.jpg', 'L', {}),
        ('a.jpg', 'RGB', dict(progressive=True)),
        ('a.png', 'RGB', {}), ('a.png', 'L', {}), ('a.png', 'P', {}),
        ('a.webp', 'RGB', {}), ('a.bmp', 'RGB', {}), ('a.bmp', 'L', {}),
    ],
)  # fmt: skip
def test_ordinary_pictures_are_mmcvs_bit_for_bit(tmp_path, name, mode, options, turn):
    exif = Image.Exif()
    exif[0x0112] = turn
    file = tmp_path / name
    Image.fromarray(COLORS).convert(mode).save(file, exif=exif, **options)
    ours = read_picture(file, order='bgr').pixels
    np.testing.assert_array_equal(ours, mmcv.imread(str(file)))
    assert ours.flags.c_contiguous


def clear_left(mode):
    image = Image.fromarray(COLORS).convert(mode[:-1])
    image.putalpha(Image.fromarray(HALF[0]))
    return image


@pytest.mark.parametrize(
    ('name', 'mode', 'options'),
    [
        ('a.png', 'RGBA', {}), ('a.png', 'LA', {}),
        ('a.webp', 'RGBA', dict(lossless=True, exact=True)),
    ],
)  # fmt: skip
def test_clear_pixels_of_pictures_become_black(tmp_path, name, mode, options):
    clear_left(mode).save(tmp_path / name, **options)
    opaque = np.asarray(Image.fromarray(COLORS).convert(mode[:-1]).convert('RGB'))
    picture = read_picture(tmp_path / name)
    np.testing.assert_array_equal(picture.pixels, left_half_black(opaque))
    assert any('without data' in note for note in picture.notes)


def test_a_clear_picture_is_turned_with_its_alpha(tmp_path):
    exif = Image.Exif()
    for turn in range(1, 9):
        exif[0x0112] = turn
        clear_left('RGBA').save(tmp_path / 'a.png', exif=exif)
        Image.fromarray(left_half_black(COLORS)).save(tmp_path / 'b.png', exif=exif)
        expected = cv2.imread(str(tmp_path / 'b.png'))[..., ::-1]
        np.testing.assert_array_equal(read_picture(tmp_path / 'a.png').pixels, expected)


def test_one_color_of_a_png_may_be_clear(tmp_path):
    for mode, clear in (('L', 7), ('RGB', (7, 8, 9))):
        image = Image.fromarray(COLORS).convert(mode)
        image.paste(clear, (0, 0, 25, 40))
        image.save(tmp_path / 'a.png', transparency=clear)
        with Image.open(tmp_path / 'a.png') as opened:
            stored = np.asarray(opened.convert('RGBA'))
        expected = np.where(stored[..., 3:] > 0, stored[..., :3], 0)
        np.testing.assert_array_equal(read_picture(tmp_path / 'a.png').pixels, expected)


@pytest.mark.parametrize('dtype', ['uint16', 'int16', 'uint32', 'float32', 'int8'])
def test_more_than_8_bits_are_refused_or_stretched_by_rule(tmp_path, dtype):
    values = (PIXELS[:4] // 2).astype(dtype)
    file = write_tiff(tmp_path / 'a.tif', values)
    with pytest.raises(UserError, match=rf"8 bits in '{file}', got {dtype}; .*stretch"):
        read_picture(file)
    expected = np.clip((values[:3] - 10.0) / 90 * 255, 0, 255).astype(np.uint8)
    stretched = read_picture(file, ColorRule(stretch=(10, 100))).pixels
    np.testing.assert_array_equal(stretched, expected.transpose(1, 2, 0))
    pairs = [(0, 50), (10, 100), (20, 200)]
    each = [
        np.clip((band - float(low)) / (high - low) * 255, 0, 255).astype(np.uint8)
        for band, (low, high) in zip(values, pairs, strict=False)
    ]
    stretched = read_picture(file, ColorRule(stretch=pairs)).pixels
    np.testing.assert_array_equal(stretched, np.dstack(each))


@pytest.mark.parametrize('channels', [1, 3, 4])
def test_a_png_of_16_bits_is_refused_or_stretched(tmp_path, channels):
    values = PIXELS[:4].astype(np.uint16) * 20
    values[3] = HALF[0].astype(np.uint16) * 257
    stored = values[[2, 1, 0, 3][:channels] if channels > 1 else [0]]
    file = tmp_path / 'a.png'
    cv2.imwrite(str(file), np.ascontiguousarray(stored.transpose(1, 2, 0)))
    with pytest.raises(UserError, match=r"8 bits in '.*a\.png', got uint16"):
        read_picture(file)
    eight = np.clip(values[:3] / 4000 * 255, 0, 255).astype(np.uint8).transpose(1, 2, 0)
    expected = eight[..., [0, 0, 0]] if channels == 1 else eight
    expected = left_half_black(expected) if channels == 4 else expected
    stretched = read_picture(file, ColorRule(stretch=(0, 4000))).pixels
    np.testing.assert_array_equal(stretched, expected)


def test_a_stretch_leaves_8_bits_as_they_are(tmp_path):
    file = write_tiff(tmp_path / 'a.tif', PIXELS[:3])
    stretched = read_picture(file, ColorRule(stretch=(0, 3000))).pixels
    np.testing.assert_array_equal(stretched, COLORS)


def test_bands_are_chosen_by_number(tmp_path):
    file = write_tiff(tmp_path / 'a.tif', PIXELS[:6])
    for chosen in ((4, 3, 2), (1,), (6, 1), (1, 2, 3, 4, 5, 6)):
        pixels = read_picture(file, ColorRule(bands=chosen)).pixels
        np.testing.assert_array_equal(pixels, bands(*chosen))
    with pytest.raises(UserError, match=r"the bands \[7\] in '.*a\.tif', got 6"):
        read_picture(file, ColorRule(bands=[7]))
    Image.fromarray(COLORS).save(tmp_path / 'a.png')
    pixels = read_picture(tmp_path / 'a.png', ColorRule(bands=(3, 1, 2))).pixels
    np.testing.assert_array_equal(pixels, COLORS[..., [2, 0, 1]])


@pytest.mark.parametrize(
    'wrong', [dict(bands=[0, 1]), dict(bands=[]), dict(bands=['B02'])]
    + [dict(stretch=s) for s in (5, (3, 3), (1, 2, 3), 'auto', [(0, 1), (2, 1)])],
)  # fmt: skip
def test_a_rule_that_is_none_is_refused(wrong):
    with pytest.raises(UserError, match=r"expected .*'(bands|stretch)'"):
        ColorRule(**wrong)
    with pytest.raises(UserError, match='pair for each of 3 bands, got 2'):
        ColorRule(stretch=[(0, 1), (0, 2)], bands=(1, 2, 3))


def test_what_is_no_single_image_is_told(tmp_path):
    frames = [Image.fromarray(band) for band in PIXELS]
    more = dict(save_all=True, append_images=frames[1:])
    for name, what in (
        ('a.gif', '13 frames'), ('a.png', '13 frames'), ('a.tif', '13 pages'),
    ):  # fmt: skip
        frames[0].save(tmp_path / name, **more)
        with pytest.raises(UserError, match=rf"one image in '.*{name}', got {what}"):
            read_picture(tmp_path / name)


def test_a_thumbnail_on_the_second_page_is_told_and_left_out(tmp_path):
    small = Image.fromarray(COLORS[:8, :8])
    file = tmp_path / 'a.tif'
    Image.fromarray(COLORS).save(file, save_all=True, append_images=[small])
    picture = read_picture(file)
    np.testing.assert_array_equal(picture.pixels, COLORS)
    assert any('several pages' in note for note in picture.notes)


def test_complex_and_mixed_and_nameless_bands_are_refused(tmp_path):
    file = write_tiff(tmp_path / 'a.tif', PIXELS[:1].astype(np.complex64))
    with pytest.raises(UserError, match=r"one real type in '.*a\.tif', got complex64"):
        read_picture(file, ColorRule(stretch=(0, 1)))
    file = write_tiff(tmp_path / 'b.tif', PIXELS[:2])
    with pytest.raises(UserError, match=r"'.*b\.tif', got the bands gray, undefined"):
        read_picture(file)
    np.testing.assert_array_equal(
        read_picture(file, ColorRule(bands=[1])).pixels, bands(1)
    )


def test_many_bands_without_names_are_told(tmp_path):
    (note,) = read_picture(write_tiff(tmp_path / 'a.tif', PIXELS)).notes
    assert '13 bands and no word which are red' in note


def test_a_file_may_come_as_bytes(tmp_path):
    file = write_tiff(tmp_path / 'a.tif', PIXELS[:4])
    buffer = io.BytesIO()
    Image.fromarray(COLORS).save(buffer, 'PNG')
    for content in (file.read_bytes(), buffer.getvalue()):
        pixels = read_picture('s3://bucket/a.jpg', content=content).pixels
        np.testing.assert_array_equal(pixels, COLORS)


def test_damaged_files_are_named(tmp_path):
    for name in ('a.jpg', 'a.png', 'a.bmp', 'a.tif'):
        file = tmp_path / name
        Image.fromarray(COLORS).save(file)
        file.write_bytes(file.read_bytes()[:-1500])
        with pytest.raises(BrokenFile, match=rf"cannot read '{file}' as an image"):
            read_picture(file)
    with pytest.raises(MissingData, match=r'gone\.tif'):
        read_picture(tmp_path / 'gone.tif')
    with pytest.raises(MissingData, match=r'gone\.png'):
        read_picture(tmp_path / 'gone.png')


def test_stored_values_are_those_of_the_file(tmp_path):
    for pixels in (PIXELS[:1], PIXELS[:4], PIXELS[:1].astype(np.uint16) * 99):
        stored = read_stored(write_tiff(tmp_path / 'a.tif', pixels))
        np.testing.assert_array_equal(stored, pixels.transpose(1, 2, 0).squeeze())
    for image in (Image.fromarray(PIXELS[0]), Image.fromarray(COLORS)):
        image.save(tmp_path / 'a.png')
        np.testing.assert_array_equal(
            read_stored(tmp_path / 'a.png'), np.asarray(image)
        )
    Image.fromarray(PIXELS[0] > 99).save(tmp_path / 'a.png')
    np.testing.assert_array_equal(read_stored(tmp_path / 'a.png'), PIXELS[0] > 99)
