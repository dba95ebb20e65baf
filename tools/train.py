r"""Train a config.

    python tools/train.py configs/gersp/r50.py --auto-scale-lr

A task on a pre-trained backbone, told if not all of it was loaded:

    python tools/train.py configs/downstream/detection/faster-rcnn_r50_dior.py \
        --pretrained work_dirs/gersp/r50/epoch_100.pth

Several GPUs, or several CPU processes: tools/dist_train.sh.
"""

import argparse
import os
import sys
from pathlib import Path

# The checkout this script lies in need not be installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from rsp.engine.cfg_options import OptionsAction
from rsp.engine.distributed import leave_process_group
from rsp.engine.train import build_runner, training_config
from rsp.errors import report_user_errors


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='e.g. configs/gersp/r50.py')
    parser.add_argument(
        '--work-dir',
        help='folder of checkpoints and logs; default work_dirs/<method>/<config>',
    )
    parser.add_argument(
        '--pretrained',
        metavar='CHECKPOINT',
        help='start with the backbone of this file: a pre-training of ours or an '
        "official one, an export, torchvision, timm; also config key 'checkpoint'",
    )
    parser.add_argument(
        '--allow-partial',
        action='store_true',
        help='start although --pretrained does not fill the whole backbone',
    )
    parser.add_argument(
        '--inflate-stem',
        action='store_true',
        help='spread the first layer of a --pretrained RGB backbone over the bands of '
        "model.backbone; also config key 'inflate_stem'",
    )
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='auto|PATH',
        help='go on from the newest checkpoint in the work dir, or from PATH',
    )
    parser.add_argument(
        '--amp',
        action='store_true',
        help='mixed precision: bfloat16 where the device has it, else float16',
    )
    parser.add_argument(
        '--auto-scale-lr',
        action='store_true',
        help='scale the learning rate to the number of samples per step',
    )
    parser.add_argument('--no-validate', action='store_true', help='skip validation')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=OptionsAction,
        metavar='KEY=VALUE',
        help='override config keys, e.g. train_dataloader.batch_size=64',
    )
    parser.add_argument(
        '--trust',
        action='store_true',
        help='open checkpoints that can run code; only for files of your own',
    )
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='who started this process; set by the shell scripts',
    )
    # torchrun tells by LOCAL_RANK, older launchers by this argument.
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)
    args = parser.parse_args()
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    del args.local_rank
    return args


def main() -> None:
    args = parse_args()
    with report_user_errors():
        build_runner(training_config(**vars(args))).train()
    leave_process_group()


if __name__ == '__main__':
    main()
