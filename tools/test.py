r"""Evaluate a checkpoint with the test of a config.

    python tools/test.py --out result.json \
        configs/downstream/classification/r18_eurosat-quickstart_probe.py \
        work_dirs/gersp/r18_quickstart/backbone.pth

CHECKPOINT is a pre-training checkpoint (its student is taken), an exported backbone or
a fine-tuned model; 'random' evaluates untrained weights. A tensor of the model that the
file does not hold is an error.
"""

import argparse
import os
import sys
from pathlib import Path

# The checkout this script lies in need not be installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from rsp.engine.cfg_options import OptionsAction
from rsp.engine.distributed import leave_process_group
from rsp.engine.test import check_result_file, evaluate, evaluation_config
from rsp.errors import report_user_errors


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='a config with test_cfg')
    parser.add_argument('checkpoint', help="a file, or 'random' (also 'none')")
    parser.add_argument(
        '--work-dir', help='folder of logs; default work_dirs/<folder>/<config>'
    )
    parser.add_argument('--out', help='file for the result: .json, .yaml or .pkl')
    parser.add_argument(
        '--out-item',
        choices=['metrics', 'pred'],
        default='metrics',
        help='what to write: metrics, or the prediction of every image (.pkl)',
    )
    parser.add_argument(
        '--show-dir', help='folder for painted predictions beside the truth'
    )
    parser.add_argument(
        '--format-only',
        metavar='PREFIX',
        help="write files for a benchmark's server instead of scores",
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=OptionsAction,
        metavar='KEY=VALUE',
        help='override config keys, e.g. test_dataloader.batch_size=64',
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
    args = vars(parse_args())
    result = {key: args.pop(key) for key in ('out', 'out_item')}
    with report_user_errors():
        check_result_file(**result)
        evaluate(evaluation_config(**args), **result)
    leave_process_group()


if __name__ == '__main__':
    main()
