"""Add arguments that several commands share."""

from argparse import ArgumentParser
from pathlib import Path


def add_cluster_arguments(parser: ArgumentParser) -> None:
    """Add ``--scheduler`` and ``--workers``, see `rsp.prepare.jobs.run_jobs`."""
    parser.add_argument(
        '--scheduler',
        metavar='ADDRESS',
        help='of a running dask scheduler, e.g. tcp://node1:8786, whose workers see '
        'the same files and have rsp installed; default: processes on this machine',
    )
    parser.add_argument(
        '--workers',
        type=int,
        help='processes on this machine (default: one per core; 0: none but this one)',
    )


def add_download_arguments(parser: ArgumentParser) -> None:
    """Add the folders of a download and of its conversion, and ``--partial``."""
    parser.add_argument('source', type=Path, help='folder of the download')
    parser.add_argument('out', type=Path, help='folder for img_dir and ann_dir')
    parser.add_argument('--partial', action='store_true', help='convert what is there')
