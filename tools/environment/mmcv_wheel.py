"""Answer setup_env.sh's questions about wheels of mmcv.

.venv/bin/python tools/environment/mmcv_wheel.py key 2.3.6
.venv/bin/python tools/environment/mmcv_wheel.py check onedl_mmcv-2.3.6-*.whl
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    questions = parser.add_subparsers(dest='question', required=True)
    key = questions.add_parser('key', help='folder name, cpu or cuda, and a note')
    key.add_argument('release', help='release of mmcv')
    check = questions.add_parser('check', help='fail unless the operators are in it')
    check.add_argument('wheel')
    return parser.parse_args()


def wheel_key(release: str, torch_version: str, device: str) -> str:
    """Return a name for all that a compiled wheel depends on.

    Args:
        release: Release of mmcv.
        torch_version: With its build, ``'2.13.0+cpu'``.
        device: ``'cpu'``, or CUDA release and architectures, ``'cuda13.0-sm9.0'``.
    """
    python = f'cp{sys.version_info.major}{sys.version_info.minor}'
    platform = sysconfig.get_platform().replace('-', '_')
    return f'mmcv{release}-torch{torch_version}-{python}-{platform}-{device}'


def choose_device() -> tuple[str, str]:
    """Choose the device to compile for.

    Operators for the GPU need a compiler, nvcc, of torch's CUDA release.

    Returns:
        The device for `wheel_key`, and a note on why it is not the GPU.
    """
    import torch

    cuda = torch.version.cuda
    if cuda is None:
        return 'cpu', ''
    if nvcc_release().split('.')[0] != cuda.split('.')[0]:
        return 'cpu', (
            f"no nvcc of CUDA {cuda} here: mmcv's operators will run on the CPU "
            'only (pre-training uses none). Install that toolkit, then use --force'
        )
    architectures = os.environ.get('TORCH_CUDA_ARCH_LIST', '').replace(' ', '_')
    if not architectures and torch.cuda.is_available():
        gpus = range(torch.cuda.device_count())
        found = {torch.cuda.get_device_capability(gpu) for gpu in gpus}
        architectures = '_'.join(f'{major}.{minor}' for major, minor in sorted(found))
    return f'cuda{cuda}-sm{architectures or "-all"}', ''


def nvcc_release() -> str:
    """Return the release of torch's CUDA compiler, ``'13.0'``; empty if none."""
    home = os.environ.get('CUDA_HOME') or os.environ.get('CUDA_PATH')
    nvcc = shutil.which('nvcc', path=f'{home}/bin') if home else shutil.which('nvcc')
    nvcc = nvcc or shutil.which('nvcc', path='/usr/local/cuda/bin')
    if nvcc is None:
        return ''
    told = subprocess.run([nvcc, '--version'], capture_output=True, text=True).stdout
    release = re.search(r'release (\d+\.\d+)', told)
    return release[1] if release else ''


def refuse_without_operators(wheel: str) -> None:
    """Raise unless a wheel carries the compiled ``mmcv._ext``.

    Raises:
        ValueError: If it does not, or cannot be read.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            names = archive.namelist()
    except (OSError, zipfile.BadZipFile) as error:
        raise ValueError(f'expected a wheel of mmcv, got {wheel}: {error}') from error
    if not any(name.startswith('mmcv/_ext.') for name in names):
        raise ValueError(
            f'expected mmcv with its C++ operators, got {wheel} without mmcv/_ext; '
            'it was built where torch could not be imported.'
        )


def main() -> None:
    """Answer the question of the command line."""
    args = parse_args()
    if args.question == 'check':
        try:
            refuse_without_operators(args.wheel)
        except ValueError as error:
            sys.exit(f'error: {error}')
        return
    import torch

    device, note = choose_device()
    print(wheel_key(args.release, torch.__version__, device))
    print('cpu' if device == 'cpu' else 'cuda')
    print(note)


if __name__ == '__main__':
    main()
