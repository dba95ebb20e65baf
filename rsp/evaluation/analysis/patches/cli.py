"""Parse and run the commands of `rsp analyze` that look at patches."""

from argparse import ArgumentParser
from typing import Any

from rsp.evaluation.analysis.arguments import add_arguments, add_map_arguments, positive


def attention(parser: ArgumentParser) -> None:
    r"""Map which places the attention of Swins and vision transformers goes to.

        %(prog)s random:vit_tiny_patch16_224 random:swin_tiny_patch4_window7_224 \
            --data configs/downstream/segmentation/upernet_r18_building-oam_mini.py

    Writes attention.png and attention.json, scored as by the command cam.
    """
    add_arguments(parser, 'attention')
    parser.add_argument(
        '--stage', type=positive, default=4, help='of a Swin (default: 4)'
    )
    add_map_arguments(parser)
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
    add_arguments(parser, 'correspondence')
    parser.add_argument('--stage', type=positive, default=3, help='1 to 4 (default: 3)')
    parser.add_argument(
        '--num-images', type=positive, default=4, help='rows (default: 4)'
    )
    parser.add_argument(
        '--max-scored',
        type=positive,
        default=100,
        help='images to score (default: 100)',
    )
    parser.add_argument(
        '--size',
        type=positive,
        default=224,
        help='side of a view, pixels (default: 224)',
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
    add_arguments(parser, 'reconstruction', branch=False)
    parser.add_argument(
        '--num-images', type=positive, default=4, help='columns (default: 4)'
    )
    parser.add_argument(
        '--max-scored',
        type=positive,
        default=100,
        help='images to score (default: 100)',
    )
    parser.set_defaults(run=_reconstruction)


def _reconstruction(**options: Any) -> None:
    from rsp.evaluation.analysis.patches.reconstruction import show_reconstructions

    show_reconstructions(**options)


COMMANDS = {
    'attention': attention,
    'correspondence': correspondence,
    'reconstruction': reconstruction,
}
