"""Measure what must not change, in a process that computes the same on any x86 CPU.

    python tests/golden/measuring.py OUT.json [PART ...]

With torch's fastest kernels instead (measured: AVX-512, oneDNN) windows and files are
the same. Losses are within 2e-7 at the first step, MoCo's within 2e-6; rounding grows
from there, most with batch norm of few images, to at most this share in 20 steps:
CMID's ViT 2e-7, GeRSP 4e-7, CMID's Swin 9e-4, MoCo 6e-3, GeoKR 5e-2, CMID's ResNet
6e-2. So a sum in another order fails the test as well, but not at the first step.
"""

import argparse
import importlib
import json
import os
import platform
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Sequence
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

TRAININGS = (
    'gersp', 'cmid_resnet', 'cmid_swin', 'cmid_vit', 'geokr', 'moco',
    'gersp_exact_pillow', 'cmid_resnet_exact_pillow', 'geokr_exact_pillow',
    'moco_exact_pillow',
)  # fmt: skip
PARTS = (*TRAININGS, 'windows', 'labels', 'drafts', 'exports')
NEED_GEO = ('geokr', 'geokr_exact_pillow', 'windows', 'labels', 'drafts')
# One thread, and only instructions and paths that all CPUs with AVX2 share; MKL has no
# others for those that are not Intel's.
ENVIRONMENT = dict(
    ATEN_CPU_CAPABILITY='avx2',
    MKL_CBWR='COMPATIBLE',
    NPY_DISABLE_CPU_FEATURES='AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL '
    'AVX512_ICL AVX512_SPR',
    OPENCV_CPU_DISABLE='AVX512-SKX,AVX512-ICL',
    OPENCV_IPP='disabled',
    OMP_NUM_THREADS='1',
    MKL_NUM_THREADS='1',
    OPENBLAS_NUM_THREADS='1',
    OPENBLAS_CORETYPE='Haswell',
    CUDA_VISIBLE_DEVICES='',
)


def machine() -> dict[str, str]:
    """Return the releases that numbers hold for: another torch may compute others."""
    return dict(torch=version('torch'), machine=platform.machine())


def release(torch_version: str) -> str:
    """Return the part of a version of torch that numbers may depend on: '2.13'.

    Builds for CPUs and GPUs, and patches, differ in what ``rounding`` tells.
    """
    return '.'.join(torch_version.split('.')[:2])


def measure(parts: Sequence[str] = PARTS) -> dict[str, Any]:
    """Measure in a process of its own.

    Args:
        parts: Of `PARTS`.

    Returns:
        Numbers by part; ``{'error': traceback}`` where something failed.

    Raises:
        RuntimeError: With what it said, if the process itself failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / 'measured.json'
        done = subprocess.run(
            [sys.executable, __file__, str(out), *parts],
            env=os.environ | ENVIRONMENT,
            cwd=folder,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(f'{done.stdout}\n{done.stderr}')
        return json.loads(out.read_text())


def _measure_here(parts: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = dict(rounding=_rounding())
    for part in parts:
        with tempfile.TemporaryDirectory() as folder:
            try:
                if part in TRAININGS:
                    numbers = importlib.import_module('training').measure(
                        part, Path(folder)
                    )
                else:
                    numbers = importlib.import_module(part).measure(Path(folder))
            except (Exception, SystemExit):
                # The others are still wanted.
                numbers = dict(error=traceback.format_exc())
        found[part] = numbers
    return found


def _rounding() -> str:
    """Digest what a convolution, norms and exponentials give here, to the last bit."""
    import numpy as np
    import torch
    from torch.nn import functional as F

    rng = np.random.default_rng(0)
    image, kernel, matrix = (
        torch.from_numpy(rng.standard_normal(shape, np.float32)).requires_grad_()
        for shape in ((16, 24, 14, 14), (40, 24, 3, 3), (40, 70))
    )
    maps = F.batch_norm(F.conv2d(image, kernel, padding=1), None, None, training=True)
    vectors = F.layer_norm(F.gelu(maps).mean((2, 3)) @ matrix, (70,))
    loss = vectors.log_softmax(1).exp().square().mean() + vectors.norm(dim=1).sum()
    loss.backward()
    parts = (vectors.detach(), image.grad, kernel.grad, matrix.grad)
    return sha256(b''.join(part.numpy().tobytes() for part in parts)).hexdigest()[:32]


def _prepare() -> None:
    """Compute as `ENVIRONMENT` says, and spend no time on beauty."""
    tests = Path(__file__).parents[1]
    sys.path[:0] = [str(tests.parent), str(tests)]
    # Registers everything; first, since it mends what torchvision stumbles over.
    importlib.import_module('rsp')
    import cv2
    import torch
    from yapf.yapflib import yapf_api

    cv2.setNumThreads(0)
    torch.set_num_threads(1)
    # Both choose kernels and blocks by the size of the caches, too.
    torch.backends.mkldnn.enabled = False
    torch.backends.nnpack.set_flags(False)
    # mmengine lays out a config several times per run.
    yapf_api.FormatCode = lambda text, **_: (text, True)


def main() -> None:
    """Write the numbers of some parts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('out', type=Path)
    parser.add_argument('parts', nargs='*', default=PARTS, metavar='PART')
    args = parser.parse_args()
    _prepare()
    args.out.write_text(json.dumps(_measure_here(args.parts)))


if __name__ == '__main__':
    main()
