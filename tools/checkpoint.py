r"""Look into a checkpoint, convert its backbone, prove that it loads.

    python tools/checkpoint.py inspect FILE
    python tools/checkpoint.py convert FILE OUT --to timm
    python tools/checkpoint.py verify OUT --against timm:resnet50 --source FILE

FILE is a checkpoint of ours, an official one of GeRSP, CMID, GeoKR, MoCo v2 or
MMSelfSup 0.x, or a network of mmpretrain, torchvision or timm. `verify` ends with 1 if
not every tensor is loaded or a feature map differs by more than 1e-5.
"""

import argparse
import sys
from pathlib import Path

# The checkout this script lies in need not be installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from rsp import checkpoints
from rsp.errors import report_user_errors


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest='command', required=True)
    inspect = commands.add_parser('inspect', help='say what a file is')
    convert = commands.add_parser('convert', help='write one backbone to a file')
    verify = commands.add_parser('verify', help='load into a network and compare')
    for command in (inspect, convert, verify):
        command.add_argument('file', help='a checkpoint')
        command.add_argument(
            '--trust',
            action='store_true',
            help='open a file that can run code; only for files of your own',
        )
    for command in (convert, verify):
        command.add_argument(
            '--branch',
            choices=['student', 'teacher'],
            help='whose backbone; default: the one its method hands on',
        )
    convert.add_argument('out', help='file to write; .pth or .safetensors')
    convert.add_argument(
        '--to',
        choices=list(checkpoints.TARGETS),
        default='mmpretrain',
        help='whose names (default: %(default)s)',
    )
    convert.add_argument(
        '--image-size', type=int, help='fit position embeddings of a ViT to this size'
    )
    convert.add_argument('--license', help='of the weights, for the card')
    verify.add_argument(
        '--against',
        required=True,
        metavar='CONFIG_OR_MODEL',
        help='a config, timm:MODEL, torchvision:MODEL or mmpretrain:CONFIG_NAME',
    )
    verify.add_argument('--source', help='the file that this one was converted from')
    return parser.parse_args()


def main() -> int:
    args = parse_args()
    with report_user_errors():
        if args.command == 'inspect':
            print(checkpoints.inspect(args.file, args.trust))
            return 0
        if args.command == 'verify':
            result = checkpoints.verify(
                args.file, args.against, args.source, args.branch, args.trust
            )
            print(result)
            return 0 if result.passed else 1
        meta = checkpoints.export_backbone(
            args.file, args.out, args.branch, args.to, args.image_size, args.license,
            args.trust,
        )  # fmt: skip
    print(checkpoints.describe_export(args.out, meta))
    return 0


if __name__ == '__main__':
    sys.exit(main())
