"""Parse and run the commands below `rsp checkpoint`; see `rsp.cli`."""

from argparse import ArgumentParser

from rsp.errors import visible


def inspect(parser: ArgumentParser) -> None:
    """Describe a file: format, networks, sizes, training, suspicious numbers.

        %(prog)s work_dirs/gersp/r50/epoch_100.pth

    FILE is a checkpoint of ours, an official one of GeRSP, CMID, GeoKR, MoCo v2 or
    MMSelfSup 0.x, a DINOv2 or DINOv3, or a network of mmpretrain, torchvision or timm.
    """
    _add_file(parser)
    parser.set_defaults(run=_inspect)


def _inspect(file: str, trust: bool) -> None:
    from rsp import checkpoints

    print(visible(str(checkpoints.inspect(file, trust))))


def convert(parser: ArgumentParser) -> None:
    """Write one backbone to a file, under the names of another library.

    %(prog)s epoch_100.pth gersp_r50_timm.pth --to timm
    """
    _add_file(parser)
    parser.add_argument('out', help='file to write; .pth or .safetensors')
    _add_branch(parser)
    parser.add_argument(
        '--to',
        default='mmpretrain',
        help='whose names: mmpretrain (default), mmdet, mmseg, mmrotate, torchvision, '
        'timm or safetensors; or a graph: onnx, pt2 (torch.export); or hub: a folder '
        'for the Hugging Face Hub and timm',
    )
    parser.add_argument(
        '--image-size',
        type=int,
        help='fit position embeddings of a ViT, and a graph, to this size',
    )
    parser.add_argument('--license', help='of the weights, for the card')
    parser.set_defaults(run=_convert)


def export(parser: ArgumentParser) -> None:
    """Write the backbone of a pre-training checkpoint as a file of its own.

        %(prog)s work_dirs/gersp/r50/epoch_100.pth gersp_r50.pth

    Use it as init_cfg=dict(type='Pretrained', checkpoint='gersp_r50.pth',
    prefix='backbone.') in any mm-project. The same as the command convert, which also
    writes the names of other libraries.
    """
    _add_file(parser)
    parser.add_argument('out', help='file to write')
    _add_branch(parser)
    parser.set_defaults(run=_convert)


def _convert(
    file: str,
    out: str,
    branch: str | None,
    trust: bool,
    to: str = 'mmpretrain',
    image_size: int | None = None,
    license: str | None = None,
) -> None:
    from rsp import checkpoints

    if to in ('onnx', 'pt2'):
        meta = checkpoints.export_graph(
            file, out, to, branch, image_size, license, trust
        )
        print(visible(checkpoints.describe_graph(out, meta)))
        return
    if to == 'hub':
        meta = checkpoints.export_hub(file, out, branch, image_size, license, trust)
    else:
        meta = checkpoints.export_backbone(
            file, out, branch, to, image_size, license, trust
        )
    print(visible(checkpoints.describe_export(out, meta)))


def push(parser: ArgumentParser) -> None:
    """Push a folder of `convert --to hub` to the Hugging Face Hub.

        %(prog)s gersp-r50 you/gersp-r50

    Afterwards timm.create_model('hf_hub:you/gersp-r50', pretrained=True) and
    load_backbone('hf_hub:you/gersp-r50') load it. The token is that of hf auth login.
    """
    parser.add_argument('folder', help='written by convert --to hub')
    parser.add_argument('repo', help='you/name')
    parser.add_argument('--private', action='store_true', help='if it is new')
    parser.set_defaults(run=_push)


def _push(folder: str, repo: str, private: bool) -> None:
    from rsp import checkpoints

    print(visible(checkpoints.push(folder, repo, private)))


def verify(parser: ArgumentParser) -> None:
    """Load a file into a network, and compare its features with those of its source.

        %(prog)s gersp_r50_timm.pth --against timm:resnet50 --source epoch_100.pth

    Ends with 1 if not every tensor is loaded or a feature map differs by more than
    1e-5.
    """
    _add_file(parser)
    _add_branch(parser)
    parser.add_argument(
        '--against',
        required=True,
        metavar='CONFIG_OR_MODEL',
        help='a config, timm:MODEL, torchvision:MODEL or mmpretrain:CONFIG_NAME',
    )
    parser.add_argument('--source', help='the file that this one was converted from')
    parser.set_defaults(run=_verify)


def _verify(
    file: str, against: str, source: str | None, branch: str | None, trust: bool
) -> int:
    from rsp import checkpoints

    result = checkpoints.verify(file, against, source, branch, trust)
    print(visible(str(result)))
    return int(not result.passed)


def _add_file(parser: ArgumentParser) -> None:
    parser.add_argument('file', help='a checkpoint, see the command inspect')
    parser.add_argument(
        '--trust',
        action='store_true',
        help='open a file that can run code; only for files of your own',
    )


def _add_branch(parser: ArgumentParser) -> None:
    parser.add_argument(
        '--branch',
        choices=['student', 'teacher', 'ema'],
        help='whose backbone; default: the one its method hands on, mostly the '
        'student; ema: the average of a network without a teacher, as timm saves it',
    )


COMMANDS = {
    'inspect': inspect,
    'convert': convert,
    'verify': verify,
    'export': export,
    'push': push,
}
