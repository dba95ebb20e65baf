"""Parse and run the commands below `rsp analyze`; see `rsp.cli`."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

DATA = 'data/quickstart/probe'


def cam(parser: ArgumentParser) -> None:
    r"""Map where backbones look, on the same images, with a score.

        %(prog)s GeRSP=work_dirs/gersp/r18_quickstart/epoch_10.pth random:resnet18 \
            --data configs/downstream/detection/atss_r18_vehicle_mini.py

    Writes cam.png, maps side by side, and cam.json. Where the config has boxes or
    masks: share of the map's energy inside of objects, beside their share of the area,
    and share of images whose highest place is inside (pointing game).
    """
    _add_arguments(parser, 'cam')
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
    parser.add_argument('--stage', type=int, default=4, help='1 to 4 (default)')
    parser.add_argument('--num-images', type=int, default=6, help='rows (default: 6)')
    parser.add_argument(
        '--max-scored', type=int, default=200, help='images to score (default: 200)'
    )
    parser.add_argument('--size', type=int, help='shorter side of the images, pixels')
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
    _add_arguments(parser, 'probe')
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
        type=float,
        default=[1, 5, 10, 25, 100],
        metavar='PERCENT',
        help='of the labels (default: 1 5 10 25 100)',
    )
    parser.add_argument('--seeds', type=int, default=3, help='draws (default: 3)')
    parser.add_argument('--size', type=int, help='side of the images, pixels')
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
    _add_arguments(parser, 'embedding')
    parser.add_argument('--method', choices=['tsne', 'umap'], default='tsne')
    parser.add_argument('--stage', type=int, default=4, help='1 to 4 (default)')
    parser.add_argument(
        '--max-images', type=int, default=1000, help='to embed (default: 1000)'
    )
    parser.add_argument(
        '--neighbors', type=int, default=10, help='of the purity (default: 10)'
    )
    parser.add_argument('--size', type=int, help='side of the images, pixels')
    parser.set_defaults(run=_embedding)


def _embedding(**options: Any) -> None:
    from rsp.evaluation.analysis.embedding import draw_embeddings

    draw_embeddings(**options)


def neighbors(parser: ArgumentParser) -> None:
    r"""Show the nearest scenes of a few queries, for several backbones.

        %(prog)s GeRSP=work_dirs/gersp/r18_quickstart/epoch_10.pth random:resnet18

    Writes neighbors.png, framed green where the class is the query's and red where it
    is another one, and neighbors.json.
    """
    _add_arguments(parser, 'neighbors')
    parser.add_argument(
        '--neighbors', type=int, default=5, help='beside a query (default: 5)'
    )
    parser.add_argument('--num-images', type=int, default=4, help='queries')
    parser.add_argument('--stage', type=int, default=4, help='1 to 4 (default)')
    parser.add_argument('--size', type=int, help='side of the images, pixels')
    parser.set_defaults(run=_neighbors)


def _neighbors(**options: Any) -> None:
    from rsp.evaluation.analysis.neighbors import show_neighbors

    show_neighbors(**options)


def attention(parser: ArgumentParser) -> None:
    r"""Map which places the attention of Swins and vision transformers goes to.

        %(prog)s random:vit_tiny_patch16_224 random:swin_tiny_patch4_window7_224 \
            --data configs/downstream/segmentation/upernet_r18_building-oam_mini.py

    Writes attention.png and attention.json, scored as by the command cam.
    """
    _add_arguments(parser, 'attention')
    parser.add_argument('--stage', type=int, default=4, help='of a Swin (default: 4)')
    parser.add_argument('--num-images', type=int, default=6, help='rows (default: 6)')
    parser.add_argument(
        '--max-scored', type=int, default=200, help='images to score (default: 200)'
    )
    parser.add_argument('--size', type=int, help='shorter side of the images, pixels')
    parser.set_defaults(run=_attention)


def _attention(**options: Any) -> None:
    from rsp.evaluation.analysis.cam import compare_maps

    compare_maps(method='attention', **options)


def correspondence(parser: ArgumentParser) -> None:
    r"""Match patches of two views, and tell the share within one patch of the truth.

        %(prog)s GeRSP=work_dirs/gersp/r18_quickstart/epoch_10.pth random:resnet18

    Writes correspondence.png, lines green where right, correspondence.json, and with
    classes correspondence_classes.png, matches of two images of one class.
    """
    _add_arguments(parser, 'correspondence')
    parser.add_argument('--stage', type=int, default=3, help='1 to 4 (default: 3)')
    parser.add_argument('--num-images', type=int, default=4, help='rows (default: 4)')
    parser.add_argument(
        '--max-scored', type=int, default=100, help='images to score (default: 100)'
    )
    parser.add_argument(
        '--size', type=int, default=224, help='side of a view, pixels (default: 224)'
    )
    parser.set_defaults(run=_correspondence)


def _correspondence(**options: Any) -> None:
    from rsp.evaluation.analysis.patches.correspondence import match_views

    match_views(**options)


def reconstruction(parser: ArgumentParser) -> None:
    r"""Show how trainings of CMID complete masked images, with their spectra.

        %(prog)s work_dirs/cmid/swin_mini_quickstart/epoch_24.pth

    Takes checkpoints of a training, which hold the decoder. Writes reconstruction.png,
    reconstruction_spectrum.png, amplitude by frequency, and reconstruction.json.
    """
    _add_arguments(parser, 'reconstruction', branch=False)
    parser.add_argument(
        '--num-images', type=int, default=4, help='columns (default: 4)'
    )
    parser.add_argument(
        '--max-scored', type=int, default=100, help='images to score (default: 100)'
    )
    parser.set_defaults(run=_reconstruction)


def _reconstruction(**options: Any) -> None:
    from rsp.evaluation.analysis.patches.reconstruction import show_reconstructions

    show_reconstructions(**options)


def gap(parser: ArgumentParser) -> None:
    r"""Measure how far photos are from scenes in each stage of backbones.

        %(prog)s before=random:resnet18 \
            GeRSP=work_dirs/gersp/r18_quickstart/epoch_10.pth

    Writes gap.png and gap.json: accuracy of a line between photos and scenes, Frechet
    distance, and CKA with the first backbone, of scenes and of photos.
    """
    _add_arguments(parser, 'gap')
    parser.set_defaults(data='data/quickstart/remote')
    parser.add_argument(
        '--photos',
        default='data/quickstart/natural',
        metavar='CONFIG_OR_FOLDER',
        help='everyday photos (default: data/quickstart/natural)',
    )
    parser.add_argument(
        '--max-images', type=int, default=300, help='of each (default: 300)'
    )
    parser.add_argument(
        '--size', type=int, default=64, help='side they are scaled to (default: 64)'
    )
    parser.set_defaults(run=_gap)


def _gap(**options: Any) -> None:
    from rsp.evaluation.analysis.gap import measure_gap

    measure_gap(**options)


def embed(parser: ArgumentParser) -> None:
    r"""Write a vector of every image, or of windows of scenes, as GeoParquet.

        %(prog)s GeRSP=work_dirs/gersp/r18_quickstart/epoch_10.pth \
            --data data/geotiff/scenes --window 64

    Writes <name>.parquet: path, window, date, footprint in longitude and latitude, and
    the vector, of length 1. GIS programs and the command search read it. Needs
    rsp-pretrain[analyze], and [geo] for footprints.
    """
    _add_arguments(parser, 'embed')
    parser.add_argument('--stage', type=int, default=4, help='1 to 4 (default)')
    parser.add_argument(
        '--window', type=int, help='cut images into windows of this side, pixels'
    )
    parser.add_argument(
        '--size', type=int, default=224, help='side they are scaled to (default: 224)'
    )
    parser.set_defaults(run=_embed)


def _embed(**options: Any) -> None:
    from rsp.evaluation.analysis.retrieval.embed import embed_images

    embed_images(**options)


def search(parser: ArgumentParser) -> None:
    r"""Find the images most like a query among vectors, and paint maps of similarity.

        %(prog)s data/geotiff/scenes/RGB.byte.tif@256,320,64,64 \
            --vectors work_dirs/analyze/embed/GeRSP.parquet

    Compares with all vectors: a million takes a tenth of a second. Writes search.png,
    search.json and, of georeferenced windows, a GeoTIFF of cosines per scene.
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
    parser.add_argument('--count', type=int, default=10, help='results (default: 10)')
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


def _add_arguments(parser: ArgumentParser, name: str, branch: bool = True) -> None:
    """Add what all analyses share."""
    parser.add_argument(
        'checkpoints',
        nargs='+',
        metavar='CHECKPOINT',
        help='a file of any format, the name of a released one, timm:MODEL, '
        'torchvision:MODEL (downloaded by these), random:MODEL (of timm, untrained); '
        'NAME=CHECKPOINT names it in pictures',
    )
    parser.add_argument(
        '--data',
        default=DATA,
        metavar='CONFIG_OR_FOLDER',
        help="a task's config, or a folder of images, of classes, or of train and val "
        f'(default: {DATA})',
    )
    parser.add_argument(
        '--out',
        type=Path,
        default=Path('work_dirs/analyze') / name,
        help=f'folder for pictures and numbers (default: work_dirs/analyze/{name})',
    )
    parser.add_argument('--seed', type=int, default=0)
    if branch:
        parser.add_argument(
            '--branch',
            choices=['student', 'teacher'],
            help='whose backbone; default: the one its method hands on',
        )
    parser.add_argument(
        '--trust',
        action='store_true',
        help='open files that can run code; only for files of your own',
    )


COMMANDS = {
    'cam': cam,
    'probe': probe,
    'embedding': embedding,
    'neighbors': neighbors,
    'attention': attention,
    'correspondence': correspondence,
    'reconstruction': reconstruction,
    'gap': gap,
    'embed': embed,
    'search': search,
}
