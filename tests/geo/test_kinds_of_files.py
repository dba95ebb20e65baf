"""Windows, statistics, shares and tiles of each kind of file, against NumPy.

Each kind is written from pixels and a mask that are known, so that what is read is
compared with what was meant, not with another reading of the file.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.enums import ColorInterp as Color
from rasterio.shutil import copy

from rsp.datasets import SceneDataset
from rsp.geo.bands.choice import BandChoice
from rsp.geo.rasters import open_raster
from rsp.geo.scene_images import SceneImages
from rsp.geo.scene_index import SceneIndex
from rsp.geo.windows.valid_share import ValidShares
from rsp.geo.windows.window import Window
from rsp.prepare.scan.folder import scan_folder
from rsp.prepare.tile.scene import TileSettings
from rsp.prepare.tile.scenes import tile_scenes

SIZE, EDGE = (96, 112), 32
NAN = float('nan')


@dataclass
class Kind:
    """Describe a kind of file.

    Attributes:
        dtype: Of the bands.
        bands: Number of data bands.
        fill: Value of each band where ``hole`` is; None for one that is not written.
        told: No-data value of each band that the file declares; None for none.
        alphas: Places, from 0, at which alpha bands are put in.
        mask: ``'inside'`` or ``'beside'`` the file; None for none.
        single: Whether band 1 alone has no data in another part as well.
        profile: Further options of writing.
        form: What is made of the GeoTIFF: ``'vrt'``, ``'cog'``, ``'jp2'``, ``'img'``,
            ``'palette'``; None leaves it.
    """

    dtype: str = 'uint8'
    bands: int = 3
    fill: float | None = None
    told: Any = None
    alphas: tuple[int, ...] = ()
    mask: str | None = None
    single: bool = False
    profile: dict = field(default_factory=dict)
    form: str | None = None


TILED = dict(tiled=True, blockxsize=32, blockysize=16)
DEFLATED = TILED | dict(compress='deflate')
BY_PIXEL, BY_BAND = dict(interleave='pixel'), dict(interleave='band')
KINDS = {
    'uint8': Kind(),
    'uint8 with undeclared zeros': Kind(fill=0),
    'uint8, 255 declared': Kind(fill=255, told=255),
    'uint8, one band': Kind(bands=1, fill=0, told=0),
    'uint8, -9999 declared, which it cannot hold': Kind(told='-9999'),
    'uint16': Kind('uint16', 4),
    'uint16, 0 declared': Kind('uint16', 4, 0, 0),
    'uint16, 65535 declared': Kind('uint16', 4, 65535, 65535, single=True),
    'int16': Kind('int16', 2),
    'int16, -9999 declared': Kind('int16', 2, -9999, -9999, single=True),
    'int16, -32768 declared': Kind('int16', 1, -32768, -32768),
    'int32, -9999 declared': Kind('int32', 3, -9999, -9999),
    'float32, undeclared zeros': Kind('float32', 3, 0),
    'float32, NaN undeclared': Kind('float32', 3, NAN, single=True),
    'float32, NaN declared': Kind('float32', 3, NAN, NAN, single=True),
    'float32, its minimum declared': Kind(
        'float32', 2, np.finfo('f4').min.item(), np.finfo('f4').min.item(), single=True
    ),
    'float64, -9999 declared': Kind('float64', 2, -9999, -9999),
    'alpha last of two': Kind(bands=1, alphas=(1,), fill=9),
    'alpha last of four': Kind(alphas=(3,), fill=9),
    'alpha first of four': Kind(alphas=(0,), fill=9),
    'alpha in the middle': Kind('uint16', 4, 9, alphas=(2,)),
    'alpha last of six': Kind('uint16', 5, 65535, alphas=(5,)),
    'two alphas': Kind('uint16', 4, 9, alphas=(0, 5)),
    'alpha beside a declared value': Kind('uint16', 3, 0, 0, alphas=(3,)),
    'mask inside': Kind(mask='inside', fill=9),
    'mask inside, deflated': Kind('uint16', 4, 9, mask='inside', profile=DEFLATED),
    'mask beside': Kind(mask='beside', fill=9),
    'mask beside, floats': Kind('float32', 2, NAN, mask='beside', single=True),
    'mask inside and alpha': Kind(mask='inside', alphas=(3,), fill=9),
    'rotated': Kind('uint16', 3, 0, 0, profile=dict(turn=20)),
    'in rows, by pixel': Kind(profile=BY_PIXEL),
    'in rows, by band': Kind(profile=BY_BAND),
    'in tiles, by pixel': Kind('uint16', 5, 0, profile=TILED | BY_PIXEL),
    'in tiles, by band': Kind('uint16', 5, 0, profile=TILED | BY_BAND),
    'in tiles, deflated': Kind('uint16', 5, 0, 0, profile=DEFLATED),
    'BigTIFF': Kind('uint16', 3, 0, 0, profile=dict(bigtiff='yes')),
    'big endian': Kind('int16', 3, -1, -1, profile=dict(endianness='big')),
    'COG': Kind('uint16', 3, 0, 0, form='cog'),
    'COG with a mask': Kind(mask='inside', fill=9, form='cog'),
    'virtual': Kind('uint16', 4, 0, 0, form='vrt'),
    'virtual with a mask': Kind(mask='inside', fill=9, form='vrt'),
    'JPEG 2000': Kind('uint16', 3, 0, form='jp2'),
    'ERDAS Imagine': Kind('int16', 2, -9999, -9999, form='img'),
    'palette': Kind(bands=1, form='palette'),
    'palette with a no-data index': Kind(bands=1, fill=7, told=7, form='palette'),
    'palette with a mask': Kind(bands=1, fill=7, mask='beside', form='palette'),
}  # fmt: skip
TABLE = np.array([(k, (k * 7 + 3) % 256, 255 - k // 2) for k in range(256)], np.uint8)


def make(folder, kind):
    """Write a file; return its data bands, the valid mask and that of each band."""
    rng = np.random.default_rng(0)
    high = 200 if kind.dtype == 'uint8' else 3000
    pixels = rng.integers(10, high, (kind.bands, *SIZE)).astype(kind.dtype)
    valid = np.ones(SIZE, bool)
    by_band = np.ones(pixels.shape, bool)
    if kind.fill is not None or kind.mask or kind.alphas:
        valid[:40, :70] = False
    if kind.fill is not None:
        pixels[:, ~valid] = kind.fill
    by_band &= valid
    if kind.single:
        pixels[0, 60:] = kind.fill
        by_band[0, 60:] = False
    stored = pixels
    for place in sorted(kind.alphas):
        opaque = 255 if kind.dtype == 'uint8' else np.iinfo(kind.dtype).max
        # Each of several hides another part.
        hidden = ~valid.copy()
        if len(kind.alphas) > 1:
            hidden[(slice(20), slice(20, None))[place == kind.alphas[0]]] = False
        alpha = np.where(hidden, 0, opaque).astype(kind.dtype)
        stored = np.insert(stored, place, alpha, axis=0)
    options = dict(kind.profile)
    turn = Affine.rotation(options.pop('turn', 0))
    options |= dict(crs='EPSG:32633', dtype=kind.dtype, driver='GTiff')
    options['transform'] = Affine.translation(5e5, 5e6) @ turn @ Affine.scale(10, -10)
    if kind.form == 'palette':
        options['photometric'] = 'palette'
    elif len(stored) != 3 or kind.dtype != 'uint8':
        options['photometric'] = 'minisblack'
    if kind.told is not None and not isinstance(kind.told, str):
        options['nodata'] = kind.told
    file = folder / 'a.tif'
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=kind.mask == 'inside'),
        rasterio.open(file, 'w', height=SIZE[0], width=SIZE[1], count=len(stored),
                      **options) as out,
    ):  # fmt: skip
        if kind.form != 'palette' and (kind.alphas or len(stored) > 3):
            out.colorinterp = [
                Color.alpha if n in kind.alphas else Color.undefined
                for n in range(len(stored))
            ]
        out.write(stored)
        if kind.mask:
            out.write_mask(np.where(valid, 255, 0).astype(np.uint8))
        if kind.form == 'palette':
            out.write_colormap(1, {k: (*TABLE[k].tolist(), 255) for k in range(256)})
    if isinstance(kind.told, str):
        (folder / 'a.tif.aux.xml').write_text(
            '<PAMDataset>'
            + ''.join(
                f'<PAMRasterBand band="{n + 1}"><NoDataValue>{kind.told}</NoDataValue>'
                '</PAMRasterBand>'
                for n in range(len(stored))
            )
            + '</PAMDataset>'
        )
    convert(file, kind.form)
    if kind.form == 'palette':
        pixels = TABLE[pixels[0]].transpose(2, 0, 1)
        by_band = np.broadcast_to(valid, pixels.shape)
    return pixels, valid, by_band


def convert(file, form):
    drivers = dict(
        cog=('COG', '.tif', {}),
        vrt=('VRT', '.vrt', {}),
        img=('HFA', '.img', {}),
        jp2=('JP2OpenJPEG', '.jp2', dict(REVERSIBLE='YES', QUALITY='100')),
    )
    if form not in drivers:
        return
    driver, ending, options = drivers[form]
    source = file.parent.parent / 'source.tif'
    file.rename(source)
    copy(source, file.with_suffix(ending), driver=driver, **options)


@pytest.fixture(params=KINDS, ids=str)
def made(request, tmp_path):
    (tmp_path / 's').mkdir()
    return tmp_path, *make(tmp_path / 's', KINDS[request.param])


def test_windows_statistics_shares_and_tiles_are_those_of_numpy(made):
    folder, pixels, valid, by_band = made
    index = SceneIndex.build(folder / 's')
    assert not index.unreadable
    (scene,) = index.scenes
    assert (scene.valid_mask == valid).all()
    assert scene.valid_share == pytest.approx(valid.mean())
    values = [band[where] for band, where in zip(pixels, by_band, strict=True)]
    rows = [band - 1 for band in scene.data_bands]
    means = [band.mean(dtype=float) for band in values]
    assert np.array(scene.mean)[rows] == pytest.approx(means)
    assert np.array(scene.std)[rows] == pytest.approx(
        [np.std(v, dtype=float) for v in values]
    )
    low, high = np.percentile(np.concatenate(values), (1, 99))
    assert scene.stretch == pytest.approx((low, high))
    _windows_are_right(index, pixels, valid, by_band)
    scan = scan_folder(folder / 's', folder / 'out', workers=0)
    (file,), (bands,) = scan.files, scan.stored.values()
    assert file.nodata_share == pytest.approx(1 - valid.mean())
    assert [band.count for band in bands] == [v.size for v in values]
    assert [band.mean for band in bands] == pytest.approx(means)
    with open_raster(index.path_of(scene)) as dataset:
        share = ValidShares(dataset, folder)
        for window in WINDOWS:
            assert share(window) == pytest.approx(valid[window.slices].mean())
    _tiles_are_right(folder, pixels, valid)


WINDOWS = [
    Window(top, left, EDGE, EDGE)
    for top, left in ((0, 0), (20, 50), (30, 60), (64, 80), (45, 3))
]


def _windows_are_right(index, pixels, valid, by_band):
    images = SceneImages(index, BandChoice(), None, dict(scale=1.0), None)
    order = slice(None, None, -1 if len(pixels) == 3 else 1)
    color = pixels.dtype.itemsize == 1
    for window in WINDOWS:
        image, nodata = images.image(0, window)
        place = slice(None), *window.slices
        # In 8 bits the value of one band is a color and is kept.
        known = valid[window.slices][None] if color else by_band[place]
        expected = np.where(known, pixels[place], 0).astype(np.float32)[order]
        np.testing.assert_array_equal(image, expected.transpose(1, 2, 0))
        assert nodata == pytest.approx(1 - valid[window.slices].mean())


def _tiles_are_right(folder, pixels, valid):
    settings = TileSettings(EDGE, 40, percentiles=None, keep_all=True)
    summary = tile_scenes(folder / 's', folder / 'tiles', settings, workers=0)
    assert summary['tiles'] == 9
    for file in (folder / 'tiles').glob('*.tif'):
        left, top = map(int, file.stem.split('_')[1:])
        place = Window(top, left, EDGE, EDGE).slices
        with rasterio.open(file) as tile:
            read, mask = tile.read(), tile.dataset_mask() > 0
        np.testing.assert_array_equal(
            read[:, valid[place]], pixels[:, place[0], place[1]][:, valid[place]]
        )
        assert not mask[~valid[place]].any()


def test_there_are_more_than_thirty_kinds():
    assert len(KINDS) > 40


def test_grays_of_which_0_is_white_are_read_as_they_look(tmp_path):
    file = tmp_path / 'scan.tif'
    stored = np.random.default_rng(0).integers(1, 250, (1, 64, 64), np.uint8)
    place = rasterio.Affine(1, 0, 5e5, 0, -1, 5e6)
    with rasterio.open(
        file, 'w', driver='GTiff', count=1, height=64, width=64, dtype='uint8',
        crs='EPSG:32633', transform=place, photometric='MINISWHITE',
    ) as dataset:  # fmt: skip
        dataset.write(stored)
    data = SceneDataset(str(tmp_path), 64, stretch=None)
    image = data.get_data_info(0)['img']
    np.testing.assert_array_equal(image, 255 - stored.repeat(3, 0).transpose(1, 2, 0))
