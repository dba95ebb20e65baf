"""Parse and run the commands of `rsp analyze` that keep and search vectors."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from rsp.evaluation.analysis.arguments import add_arguments, positive


def embed(parser: ArgumentParser) -> None:
    r"""Write a vector of every image, or of windows of scenes, as GeoParquet.

        %(prog)s GeRSP=work_dirs/gersp/r18_quickstart/epoch_10.pth \
            --data data/geotiff/scenes --window 64

    Writes <name>.parquet: path, window, date, footprint in longitude and latitude, and
    the vector, of length 1. GIS programs and the command search read it. Needs
    rsp-pretrain[analyze], and [geo] for footprints.
    """
    add_arguments(parser, 'embed')
    parser.add_argument('--stage', type=positive, default=4, help='1 to 4 (default)')
    parser.add_argument(
        '--window', type=positive, help='cut images into windows of this side, pixels'
    )
    parser.add_argument(
        '--size',
        type=positive,
        default=224,
        help='side they are scaled to (default: 224)',
    )
    parser.set_defaults(run=_embed)


def _embed(**options: Any) -> None:
    from rsp.evaluation.analysis.retrieval.embed import embed_images

    embed_images(**options)


def search(parser: ArgumentParser) -> None:
    r"""Find the images most like a query among vectors, and paint maps of similarity.

        %(prog)s data/geotiff/scenes/RGB.byte.tif@256,320,64,64 \
            --vectors work_dirs/analyze/embed/GeRSP.parquet

    Compares with all vectors, a million in a tenth of a second; above that by a graph
    that finds 99 %% of the 10 nearest, as measured. Writes search.png, search.json, of
    windows similarity.html, and of georeferenced ones a GeoTIFF of cosines per scene.
    """
    parser.add_argument(
        'query', help='an image, FILE@TOP,LEFT,HEIGHT,WIDTH (pixels), or #ROW'
    )
    parser.add_argument(
        '--vectors', type=Path, required=True, help='a file of the command embed'
    )
    parser.add_argument(
        '--checkpoint', help='that made the vectors; default: the one they name'
    )
    parser.add_argument(
        '--count', type=positive, default=10, help='results (default: 10)'
    )
    parser.add_argument(
        '--index',
        choices=['auto', 'always', 'never'],
        default='auto',
        help='search a graph of usearch, kept beside the vectors, in place of all '
        'vectors (auto: above a million)',
    )
    parser.add_argument(
        '--out',
        type=Path,
        default=Path('work_dirs/analyze/search'),
        help='folder for the results (default: work_dirs/analyze/search)',
    )
    parser.add_argument(
        '--trust',
        action='store_true',
        help='open files that can run code; only for files of your own',
    )
    parser.set_defaults(run=_search)


def _search(**options: Any) -> None:
    from rsp.evaluation.analysis.retrieval.search import search_vectors

    search_vectors(**options)


COMMANDS = {'embed': embed, 'search': search}
