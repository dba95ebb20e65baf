"""Read rasters of palette indices as the colors that they stand for."""

from pathlib import Path
from xml.sax.saxutils import escape

import rasterio

from rsp.io.images.masking import has_mask

COLORS = ('Red', 'Green', 'Blue', 'Alpha')


def has_palette(dataset: rasterio.DatasetReader) -> bool:
    """Return whether the only band of a local raster holds indices of colors.

    So do grays of which 0 is white (MINISWHITE), as of scans: GDAL tells their colors.
    """
    if dataset.count != 1 or '://' in dataset.name:
        return False
    try:
        return bool(dataset.colormap(1))
    except ValueError:  # There is none.
        return False


def is_expanded(dataset: rasterio.DatasetReader) -> bool:
    """Return whether a raster came from `expand_palette`."""
    return dataset.driver == 'VRT' and dataset.name.startswith('<VRTDataset')


def path_of(dataset: rasterio.DatasetReader) -> str:
    """Return the file of an open raster, for messages."""
    return dataset.files[0] if is_expanded(dataset) else dataset.name


def expand_palette(dataset: rasterio.DatasetReader) -> rasterio.DatasetReader:
    """Return a virtual raster of the colors of palette indices; nothing is written.

    It has bands red, green and blue, as of gdal_translate -expand rgb, and alpha where
    the color table has transparent colors. The no-data index and masks become its mask.

    Args:
        dataset: Open, see `has_palette`.
    """
    table = dataset.colormap(1)
    source = escape(str(Path(dataset.name).absolute()))
    rows, columns = dataset.block_shapes[0]
    # GDAL shows the no-data index as transparent; the mask tells it already.
    colors = [color for index, color in table.items() if index != dataset.nodata]
    count = 3 if all(color[3] == 255 for color in colors) else 4
    bands = [
        f'<VRTRasterBand dataType="Byte" band="{number}" blockXSize="{columns}" '
        f'blockYSize="{rows}"><ColorInterp>{name}</ColorInterp><ComplexSource>'
        f'<SourceFilename relativeToVRT="0">{source}</SourceFilename>'
        f'<SourceBand>1</SourceBand><ColorTableComponent>{number}'
        '</ColorTableComponent></ComplexSource></VRTRasterBand>'
        for number, name in enumerate(COLORS[:count], start=1)
    ]
    if has_mask(dataset) or dataset.nodata is not None:
        bands.append(
            '<MaskBand><VRTRasterBand dataType="Byte"><SimpleSource><SourceFilename '
            f'relativeToVRT="0">{source}</SourceFilename><SourceBand>mask,1'
            '</SourceBand></SimpleSource></VRTRasterBand></MaskBand>'
        )
    tags = ''.join(
        f'<MDI key="{escape(key, {chr(34): "&quot;"})}">{escape(value)}</MDI>'
        for key, value in dataset.tags().items()
    )
    return rasterio.open(
        f'<VRTDataset rasterXSize="{dataset.width}" rasterYSize="{dataset.height}">'
        f'{_place(dataset)}<Metadata>{tags}</Metadata>{"".join(bands)}</VRTDataset>'
    )


def _place(dataset: rasterio.DatasetReader) -> str:
    """Return the georeference of a raster as elements of a virtual one."""
    place = ''
    if dataset.crs is not None:
        place += f'<SRS>{escape(dataset.crs.to_wkt())}</SRS>'
    if not dataset.transform.is_identity:
        place += f'<GeoTransform>{", ".join(map(repr, dataset.transform.to_gdal()))}'
        place += '</GeoTransform>'
    points, crs = dataset.gcps
    if points and crs is not None:
        listed = ''.join(
            f'<GCP Id="{number}" Pixel="{point.col}" Line="{point.row}" '
            f'X="{point.x}" Y="{point.y}"/>'
            for number, point in enumerate(points)
        )
        place += f'<GCPList Projection="{escape(crs.to_wkt(), {chr(34): "&quot;"})}">'
        place += f'{listed}</GCPList>'
    return place
