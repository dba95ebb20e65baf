"""Write small products of one file per band in their official layouts."""

from pathlib import Path

import numpy as np
import rasterio
from affine import Affine

SENTINEL2 = {
    10: ['B02', 'B03', 'B04', 'B08'],
    20: ['B05', 'B06', 'B07', 'B8A', 'B11', 'B12'],
    60: ['B01', 'B09'],
}
EXTENT = 1200


def write_band(file, pixels, size, left=500_000.0, **profile):
    """Write a band (H, W) with pixels of a size in meters."""
    file.parent.mkdir(parents=True, exist_ok=True)
    height, width = pixels.shape
    facts = dict(
        driver='GTiff', count=1, height=height, width=width, dtype=pixels.dtype,
        crs='EPSG:32633', transform=Affine(size, 0, left, 0, -size, 5_000_000),
    )  # fmt: skip
    with rasterio.open(file, 'w', **facts | profile) as dataset:
        dataset.write(pixels, 1)


def values(seed, size, low=1, high=9000, extent=EXTENT):
    """Draw whole numbers (H, W) of a product's extent."""
    rng = np.random.default_rng(seed)
    edge = extent // size
    return rng.integers(low, high, (edge, edge + 60 // size), dtype=np.uint16)


def metadata(folder: Path, level: str, baseline: str, offset: int | None) -> None:
    """Write the metadata of a Sentinel-2 product, as far as it is read."""
    name = 'BOA_ADD_OFFSET' if level == 'L2A' else 'RADIO_ADD_OFFSET'
    offsets = ''
    if offset is not None:
        offsets = ''.join(f'<{name} band_id="{n}">{offset}</{name}>' for n in range(13))
    (folder / f'MTD_MSI{level}.xml').write_text(
        '<n1:Level_User_Product xmlns:n1="https://psd-15.sentinel2.eo.esa.int/x.xsd">'
        f'<n1:General_Info><PROCESSING_BASELINE>{baseline}</PROCESSING_BASELINE>'
        f'{offsets}</n1:General_Info></n1:Level_User_Product>'
    )


def sentinel2_l2a(
    root: Path, baseline='0300', offset=0, ending='tif', seed=0, **profile
):
    """Write an L2A product; return its folder and each band as stored, by name."""
    folder = root / (
        f'S2A_MSIL2A_20220101T100000_N{baseline}_R022_T33TWM_20220101T120000.SAFE'
    )
    images = folder / 'GRANULE/L2A_T33TWM_A0_20220101T100000/IMG_DATA'
    stored = {}
    for size, names in SENTINEL2.items():
        for name in names:
            stored[name] = values(seed + len(stored), size) + np.uint16(offset)
            file = images / f'R{size}m/T33TWM_20220101T100000_{name}_{size}m.{ending}'
            write_band(file, stored[name], size, **profile)
            if size == 10:  # Also at the coarser sizes, as ESA delivers it.
                coarse = file.with_name(file.name.replace('_10m', '_20m'))
                coarse = images / 'R20m' / coarse.name
                write_band(coarse, stored[name][::2, ::2], 20, **profile)
    for size, name in ((20, 'SCL'), (10, 'TCI'), (10, 'AOT'), (10, 'WVP')):
        file = images / f'R{size}m/T33TWM_20220101T100000_{name}_{size}m.{ending}'
        write_band(file, values(99, size).astype(np.uint8), size, **profile)
    quality = folder / 'GRANULE/L2A_T33TWM_A0_20220101T100000/QI_DATA'
    write_band(quality / 'MSK_QUALIT_B02.tif', values(98, 10), 10)
    return folder, stored


def landsat(root: Path, craft='LC08', level='L2SP', mtl=True):
    """Write a Collection 2 product; return its prefix and the bands by name."""
    prefix = f'{craft}_{level}_195028_20200507_20200820_02_T1'
    kind = 'SR_' if level == 'L2SP' else ''
    names = [f'{kind}B{n}' for n in range(1, 8)] + ['ST_B10'] * (level == 'L2SP')
    stored = {}
    for seed, name in enumerate(names):
        stored[name] = values(seed, 30, 7000, 30000)
        write_band(root / f'{prefix}_{name}.TIF', stored[name], 30, nodata=0)
    if level == 'L1TP':
        stored['B8'] = values(50, 15, 7000, 30000)
        write_band(root / f'{prefix}_B8.TIF', stored['B8'], 15, nodata=0)
    for name in ('QA_PIXEL', 'QA_RADSAT', f'{kind}QA_AEROSOL'):
        write_band(root / f'{prefix}_{name}.TIF', values(97, 30), 30)
    if mtl:
        lines = ['GROUP = LANDSAT_METADATA_FILE']
        for group, mult, add in (
            ('LEVEL2_SURFACE_REFLECTANCE_PARAMETERS', 2.75e-05, -0.2),
            ('LEVEL1_RADIOMETRIC_RESCALING', 2.0e-05, -0.1),
        ):
            lines.append(f'  GROUP = {group}')
            for number in range(1, 8):
                lines.append(f'    REFLECTANCE_MULT_BAND_{number} = {mult}')
                lines.append(f'    REFLECTANCE_ADD_BAND_{number} = {add}')
            lines.append(f'  END_GROUP = {group}')
        (root / f'{prefix}_MTL.txt').write_text('\n'.join([*lines, 'END']))
    return prefix, stored
