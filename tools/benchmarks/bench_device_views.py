"""Time the views that `rsp.DeviceViews` makes against kornia's and torchvision's.

    python tools/benchmarks/bench_device_views.py --recipe moco --batch 32

The same bytes, the same crops and the same operations with the same probabilities, in
turn in one process; the ratio is the median over the rounds. kornia takes part if it is
installed. Also counts what each operator reads and writes: on a GPU, where views are
bound by memory, bytes over bandwidth are the time. Prints one JSON object.
"""

import argparse
import json
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
# Peak bandwidths in bytes per second, of the makers' data sheets.
GPUS = {'H100 SXM': 3.35e12, 'A100 80 GB SXM': 2.04e12}
# Operators for which the host waits for the device.
WAITS = ('_local_scalar_dense', 'nonzero', 'equal', 'is_nonzero')
WEIGHTS = (0.114, 0.587, 0.2989)
MEAN, STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--recipe', choices=('moco', 'cmid'), default='moco')
    parser.add_argument('--batch', type=int, default=16, help='images')
    parser.add_argument('--source', type=int, default=300, help='edge of an image')
    parser.add_argument('--size', type=int, default=224, help='edge of a view')
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--device', choices=('cpu', 'cuda'), default='cpu')
    return parser.parse_args()


def recipe(name: str, size: int) -> list[dict[str, Any]]:
    """Return the published view of MoCo v1 and GeRSP, or CMID's strong one."""
    crop = dict(
        type='RandomResizedCrop',
        scale=size,
        crop_ratio_range=(0.2, 1.0) if name == 'moco' else (0.3, 1.0),
    )
    flip = dict(type='RandomFlip', prob=0.5)
    gray = dict(
        type='RandomGrayscale', prob=0.2, keep_channels=True, channel_weights=WEIGHTS
    )
    if name == 'moco':
        return [crop, gray, jitter((0.4, 0.4, 0.4, 0.4)), flip]
    return [
        crop,
        flip,
        dict(type='RandomApply', transforms=[jitter((0.4, 0.4, 0.2, 0.1))], prob=0.8),
        dict(type='rsp.RandomBlur', kernel=(3, 7), sigma=(0.1, 2.0), prob=1.0),
        dict(type='rsp.GaussianNoise', variance=(10.0, 50.0), prob=0.6),
        dict(type='Solarize', thr=128, prob=0.2),
        gray,
    ]


def jitter(ranges: tuple[float, float, float, float]) -> dict[str, Any]:
    names = ('brightness', 'contrast', 'saturation', 'hue')
    return dict(type='rsp.ColorJitter', **dict(zip(names, ranges, strict=True)))


def ours(args: argparse.Namespace, device: Any, **settings: Any) -> Callable:
    """Return a function of images (N, 3, h, w), uint8, that makes a view of each."""
    import torch
    from mmpretrain.structures import DataSample

    from rsp.models.modules import DeviceViews

    module = DeviceViews(
        [recipe(args.recipe, args.size)], 1, MEAN, STD, to_rgb=True,
        **settings,
    ).to(device)  # fmt: skip
    frame = torch.tensor([[0, *[args.source] * 2, 1, 0, 0, *[args.source] * 2]])
    frame = frame.repeat(args.batch, 1)
    step = iter(range(10**9))

    def make(images: Any) -> Any:
        frame[:, 0] = torch.arange(args.batch) + args.batch * next(step)
        samples = DataSample()
        samples.set_field(frame, 'frame')
        return module(dict(inputs=images, data_samples=samples), True)['inputs']

    return make


def torchvision_chain(args: argparse.Namespace, device: Any) -> Callable:
    """Return torchvision v2's transforms, image by image: batches share parameters."""
    import torch
    from torchvision.transforms import v2

    area = (0.2, 1.0) if args.recipe == 'moco' else (0.3, 1.0)
    crop = v2.RandomResizedCrop(args.size, scale=area, antialias=True)
    color = (0.4,) * 4 if args.recipe == 'moco' else (0.4, 0.4, 0.2, 0.1)
    steps = [crop, v2.RandomHorizontalFlip(), v2.ToDtype(torch.float32, scale=True)]
    if args.recipe == 'moco':
        steps += [v2.RandomGrayscale(0.2), v2.ColorJitter(*color)]
    else:
        steps += [
            v2.RandomApply([v2.ColorJitter(*color)], 0.8),
            v2.GaussianBlur(7, (0.1, 2.0)),
            v2.RandomApply([v2.GaussianNoise(sigma=0.02)], 0.6),
            v2.RandomSolarize(128 / 255, 0.2),
            v2.RandomGrayscale(0.2),
        ]
    steps.append(v2.Normalize([m / 255 for m in MEAN], [s / 255 for s in STD]))
    chain = v2.Compose(steps)
    return lambda images: torch.stack([chain(image) for image in images.flip(1)])


def kornia_chain(args: argparse.Namespace, device: Any) -> Callable | None:
    """Return kornia's transforms, which draw for each image of a batch."""
    import torch

    try:
        from kornia import augmentation as K
    except ImportError:
        return None
    area = (0.2, 1.0) if args.recipe == 'moco' else (0.3, 1.0)
    color = (0.4,) * 4 if args.recipe == 'moco' else (0.4, 0.4, 0.2, 0.1)
    steps: list[Any] = [
        K.RandomResizedCrop((args.size, args.size), scale=area),
        K.RandomHorizontalFlip(0.5),
    ]
    if args.recipe == 'moco':
        steps += [K.RandomGrayscale(p=0.2), K.ColorJitter(*color, p=1.0)]
    else:
        steps += [
            K.ColorJitter(*color, p=0.8),
            K.RandomGaussianBlur((7, 7), (0.1, 2.0), p=1.0),
            K.RandomGaussianNoise(std=0.02, p=0.6),
            K.RandomSolarize(0.1, 0.1, p=0.2),
            K.RandomGrayscale(p=0.2),
        ]
    steps.append(
        K.Normalize(
            torch.tensor(MEAN, device=device) / 255,
            torch.tensor(STD, device=device) / 255,
        )
    )
    chain = K.AugmentationSequential(*steps, data_keys=['input']).to(device)
    return lambda images: chain(images.flip(1).float() / 255)


@contextmanager
def counted() -> Iterator[tuple[Counter, Counter]]:
    """Count the bytes that operators read and write, and their calls, by operator."""
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils._pytree import tree_leaves

    traffic: Counter = Counter()
    calls: Counter = Counter()

    class Count(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
            result = func(*args, **kwargs or {})
            calls[func.overloadpacket._qualified_op_name] += 1
            is_view = func.is_view or func.overloadpacket._qualified_op_name in (
                'aten::_unsafe_view', 'aten::empty',
            )  # fmt: skip
            if not is_view:
                tensors = tree_leaves((args, kwargs or {}, result))
                traffic[func.overloadpacket._qualified_op_name] += sum(
                    t.untyped_storage().nbytes()
                    if 0 in t.stride() else t.numel() * t.element_size()
                    for t in tensors
                    if isinstance(t, torch.Tensor)
                )  # fmt: skip
            return result

    with Count():
        yield traffic, calls


def describe_traffic(args: argparse.Namespace, images: Any) -> dict[str, Any]:
    """Return bytes per view of ours, in half precision too, and of kornia's."""
    import torch

    cpu, few = torch.device('cpu'), images[:4].cpu()
    small = argparse.Namespace(**vars(args) | dict(batch=len(few)))
    ways = dict(
        rsp_float16=ours(small, cpu, precision='float16'),
        rsp_float32=ours(small, cpu),
        kornia_float32=kornia_chain(small, cpu),
    )
    return {name: weigh(make, few, args) for name, make in ways.items() if make}


def weigh(make: Callable, images: Any, args: argparse.Namespace) -> dict[str, Any]:
    make(images)
    with counted() as (traffic, calls):
        make(images)
    total = sum(traffic.values()) / len(images)
    # Reading and writing a view in half precision.
    one_pass = 2 * 3 * args.size**2 * 2
    return dict(
        bytes_per_view=round(total),
        calls_per_batch=calls.total(),
        waits_per_batch=sum(calls[f'aten::{name}'] for name in WAITS),
        passes_of_half_precision=round(total / one_pass, 1),
        largest={
            name.removeprefix('aten::'): round(count / len(images) / one_pass, 1)
            for name, count in traffic.most_common(6)
        },
        views_per_second_of_memory_alone={
            name: round(speed / total) for name, speed in GPUS.items()
        },
    )


def timed(make: Callable, images: Any, device: Any) -> float:
    """Return seconds: of the clock on a GPU, else of the processor."""
    import torch

    clock = time.perf_counter if device.type == 'cuda' else time.process_time
    start = clock()
    make(images)
    if device.type == 'cuda':
        torch.cuda.synchronize()
    return clock() - start


def main() -> None:
    args = parse_args()
    import torch

    import rsp  # noqa: F401
    from rsp.compat import installed_versions

    device = torch.device(args.device)
    shape = (args.batch, args.source, args.source, 3)
    images = torch.randint(0, 256, shape, dtype=torch.uint8, device=device)
    images = images.permute(0, 3, 1, 2)
    chains = dict(
        rsp=ours(args, device),
        torchvision=torchvision_chain(args, device),
        kornia=kornia_chain(args, device),
    )
    chains = {name: chain for name, chain in chains.items() if chain is not None}
    for chain in chains.values():
        chain(images)
    times: dict[str, list[float]] = {name: [] for name in chains}
    for _ in range(args.rounds):
        for name, chain in chains.items():
            times[name].append(timed(chain, images, device))
    report = dict(
        vars(args),
        views_per_second={
            name: round(args.batch / statistics.median(values), 1)
            for name, values in times.items()
        },
        times_as_fast_as={
            name: round(
                statistics.median(
                    other / own for own, other in zip(times['rsp'], values, strict=True)
                ),
                2,
            )
            for name, values in times.items()
            if name != 'rsp'
        },
        traffic=describe_traffic(args, images),
        threads=torch.get_num_threads(),
        versions=installed_versions(),
    )
    print(json.dumps(report, indent=2))


if __name__ == '__main__':
    main()
