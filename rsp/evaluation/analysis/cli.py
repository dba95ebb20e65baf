"""Parse and run the commands below `rsp analyze`; see `rsp.cli`."""

from argparse import ArgumentParser
from typing import Any

from rsp.evaluation.analysis.arguments import (
    add_arguments,
    add_map_arguments,
    per_cent,
    positive,
)
from rsp.evaluation.analysis.patches.cli import COMMANDS as PATCHES
from rsp.evaluation.analysis.retrieval.cli import COMMANDS as RETRIEVAL
from rsp.evaluation.analysis.trainings.cli import COMMANDS as TRAININGS


def cam(parser: ArgumentParser) -> None:
    r"""Map where backbones look, on the same images, with a score.

        %(prog)s GeRSP=work_dirs/gersp/r18_quickstart/epoch_10.pth random:resnet18 \
            --data configs/downstream/detection/atss_r18_vehicle_mini.py

    Writes cam.png, maps side by side, and cam.json. Where the config has boxes or
    masks: share of the map's energy inside of objects, beside their share of the area,
    and share of images whose highest place is inside (pointing game).
    """
    add_arguments(parser, 'cam')
    parser.add_argument(
        '--method', choices=['grad-cam', 'eigen-cam'], default='grad-cam'
    )
    parser.add_argument(
        '--target',
        choices=['auto', 'feature', 'probe'],
        default='auto',
        help="of grad-cam: 'probe', the logit of the image's class in a linear probe; "
        "'feature', length of the feature, without classes; auto: probe if there are "
        'classes',
    )
    parser.add_argument('--stage', type=positive, default=4, help='1 to 4 (default)')
    add_map_arguments(parser)
    parser.set_defaults(run=_cam)


def _cam(**options: Any) -> None:
    from rsp.evaluation.analysis.cam import compare_maps

    compare_maps(**options)


def probe(parser: ArgumentParser) -> None:
    r"""Score every stage of frozen backbones by kNN and a linear probe.

        %(prog)s GeRSP=work_dirs/gersp/r18_quickstart/epoch_10.pth random:resnet18

    Writes probe.png, accuracy by stage and by share of the labels, and probe.json: stem
    and stages 1 to 4, kNN-20 and logistic regression, mean and deviation over draws of
    the labels. --protocol torchgeo-bench gives numbers that compare with its tables.
    """
    add_arguments(parser, 'probe')
    parser.add_argument(
        '--protocol',
        choices=['papers', 'torchgeo-bench'],
        default='papers',
        help='torchgeo-bench: kNN-5 and the best of 40 logistic regressions, with '
        'intervals of 95 %%',
    )
    parser.add_argument(
        '--pooling',
        choices=['grid', 'mean'],
        default='grid',
        help='of the maps: 12, 6, 4, 3 and 2 positions a side (default), or one vector',
    )
    parser.add_argument(
        '--shares',
        nargs='+',
        type=per_cent,
        default=[1, 5, 10, 25, 100],
        metavar='PERCENT',
        help='of the labels (default: 1 5 10 25 100)',
    )
    parser.add_argument('--seeds', type=positive, default=3, help='draws (default: 3)')
    parser.add_argument('--size', type=positive, help='side of the images, pixels')
    parser.set_defaults(run=_probe)


def _probe(**options: Any) -> None:
    from rsp.evaluation.analysis.probe import probe_stages

    probe_stages(**options)


def embedding(parser: ArgumentParser) -> None:
    r"""Embed features in the plane by t-SNE or UMAP, with scores and a page.

        %(prog)s GeRSP=work_dirs/gersp/r18_quickstart/epoch_10.pth random:resnet18

    Writes embedding.png, embedding.json (silhouette, kNN purity, places) and
    embedding.html, a page of its own, without network, whose points show their images.
    Needs rsp-pretrain[analyze].
    """
    add_arguments(parser, 'embedding')
    parser.add_argument('--method', choices=['tsne', 'umap'], default='tsne')
    parser.add_argument('--stage', type=positive, default=4, help='1 to 4 (default)')
    parser.add_argument(
        '--max-images', type=positive, default=1000, help='to embed (default: 1000)'
    )
    parser.add_argument(
        '--neighbors', type=positive, default=10, help='of the purity (default: 10)'
    )
    parser.add_argument('--size', type=positive, help='side of the images, pixels')
    parser.set_defaults(run=_embedding)


def _embedding(**options: Any) -> None:
    from rsp.evaluation.analysis.embedding import draw_embeddings

    draw_embeddings(**options)


def neighbors(parser: ArgumentParser) -> None:
    r"""Show the nearest scenes of a few queries, for several backbones.

        %(prog)s GeRSP=work_dirs/gersp/r18_quickstart/epoch_10.pth random:resnet18

    Writes neighbors.png, framed green where the class is the query's and red where it
    is another one, neighbors.json, and neighbors_map.png of georeferenced scenes.
    """
    add_arguments(parser, 'neighbors')
    parser.add_argument(
        '--neighbors', type=positive, default=5, help='beside a query (default: 5)'
    )
    parser.add_argument('--num-images', type=positive, default=4, help='queries')
    parser.add_argument('--stage', type=positive, default=4, help='1 to 4 (default)')
    parser.add_argument('--size', type=positive, help='side of the images, pixels')
    parser.set_defaults(run=_neighbors)


def _neighbors(**options: Any) -> None:
    from rsp.evaluation.analysis.neighbors import show_neighbors

    show_neighbors(**options)


def gap(parser: ArgumentParser) -> None:
    r"""Measure how far photos are from scenes in each stage of backbones.

        %(prog)s before=random:resnet18 \
            GeRSP=work_dirs/gersp/r18_quickstart/epoch_10.pth

    Writes gap.png and gap.json: accuracy of a line between photos and scenes, Frechet
    distance, and CKA with the first backbone, of scenes and of photos.
    """
    add_arguments(parser, 'gap')
    parser.set_defaults(data='data/quickstart/remote')
    parser.add_argument(
        '--photos',
        default='data/quickstart/natural',
        metavar='CONFIG_OR_FOLDER',
        help='everyday photos (default: data/quickstart/natural)',
    )
    parser.add_argument(
        '--max-images', type=positive, default=300, help='of each (default: 300)'
    )
    parser.add_argument(
        '--size',
        type=positive,
        default=64,
        help='side they are scaled to (default: 64)',
    )
    parser.set_defaults(run=_gap)


def _gap(**options: Any) -> None:
    from rsp.evaluation.analysis.gap import measure_gap

    measure_gap(**options)


COMMANDS = {
    'cam': cam,
    'probe': probe,
    'embedding': embedding,
    'neighbors': neighbors,
    **PATCHES,
    'gap': gap,
    **RETRIEVAL,
    **TRAININGS,
}
