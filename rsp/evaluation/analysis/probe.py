"""Score each stage of frozen backbones, and how few labels suffice.

Stem and stages 1 to 4, as in the stage-wise linear evaluation of GeRSP
(doi:10.1109/TGRS.2024.3354031), whose protocol is not published: its repository holds
the multi-stage probe of MMSelfSup, which pools the maps to 12, 6, 4, 3 and 2 positions
a side, some 9,000 numbers of a ResNet-50 each, and so do we by ``pooling='grid'``.
``'mean'`` is the one vector per image of everything else here.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from rsp.errors import UserError
from rsp.evaluation.analysis.backbones import Encoder, load_encoders, read_alike
from rsp.evaluation.analysis.images import ImageSet, batches, has_splits, open_images
from rsp.evaluation.analysis.protocols import (
    BENCH_NEIGHBORS,
    NEIGHBORS,
    accuracies,
    bench_accuracies,
    draw_share,
    held_out,
    reduce_rows,
)
from rsp.evaluation.analysis.results import save_figure, write_json
from rsp.evaluation.analysis.stages import STAGES
from rsp.evaluation.comparison import mean_and_deviation
from rsp.evaluation.features import standardize
from rsp.ops import check
from rsp.visualization.figures.probe_curves import plot_bench, plot_probes

# Positions a side that the maps are pooled to, shallow ones to more.
GRIDS = dict(zip(STAGES, (12, 6, 4, 3, 2), strict=True))
SHARES = (1.0, 5.0, 10.0, 25.0, 100.0)


def probe_stages(
    checkpoints: Sequence[str],
    data: str,
    out: Path,
    protocol: str = 'papers',
    pooling: str = 'grid',
    shares: Sequence[float] = SHARES,
    seeds: int = 3,
    size: int | None = None,
    seed: int = 0,
    branch: str | None = None,
    trust: bool = False,
    cfg_options: Sequence[str] = (),
) -> dict[str, Any]:
    """Fit classifiers to the features of each stage, and draw curves side by side.

    Args:
        checkpoints: See `load_encoders`.
        data: See `open_images`; of a folder without splits half of each class is to
            test on.
        out: Folder for probe.png and probe.json.
        protocol: ``'papers'``: kNN-20 and a linear probe (`accuracies`) at shares of
            the labels; ``'torchgeo-bench'``: see `bench_accuracies`, of the last stage.
        pooling: ``'grid'`` or ``'mean'``, see the module.
        shares: Of the labels, per cent, of the last stage; the others get all. Features
            are standardized by all training images, which needs none.
        seeds: Draws of each share below 100.
        size: See `batches`.
        seed: Of the first draw.
        branch: See `load_encoders`.
        trust: See `load_encoders`.
        cfg_options: See `open_images`.

    Returns:
        What probe.json holds: top-1 accuracies in per cent.

    Raises:
        UserError: If images have no classes, or all are of one; if there are fewer
            than neighbors; if the sets disagree about the classes.
    """
    check.at_least('--seeds', seeds, 1)
    train, test = open_labeled(data, seed, cfg_options)
    needed = BENCH_NEIGHBORS if protocol == 'torchgeo-bench' else NEIGHBORS
    check.at_least('number of training images, which vote as neighbors,',
                   len(train), needed)  # fmt: skip
    encoders = load_encoders(checkpoints, branch, trust)
    for images in (train, test):
        read_alike(images, encoders)
    results = []
    for encoder in encoders:
        places = STAGES[-1:] if protocol == 'torchgeo-bench' else STAGES
        mean = protocol == 'torchgeo-bench' or pooling == 'mean'
        fitted, tested = (
            pooled_features(encoder, images, size, places, mean)
            for images in (train, test)
        )
        known = torch.from_numpy(train.labels), torch.from_numpy(test.labels)
        count = len(train.classes)
        result = encoder.describe() | dict(name=encoder.name)
        if protocol == 'torchgeo-bench':
            last = STAGES[-1]
            result['scores'] = bench_accuracies(
                fitted[last], known[0], tested[last], known[1], count, seed
            )
        else:
            result['scores'] = {
                place: _at_shares(
                    fitted[place],
                    tested[place],
                    known,
                    count,
                    sorted({*shares, 100.0}) if place == STAGES[-1] else [100.0],
                    seeds,
                    seed,
                )
                for place in places
            }
        results.append(result)
    draw = plot_bench if protocol == 'torchgeo-bench' else plot_probes
    save_figure(out, 'probe', draw(results, 100 / len(train.classes)))
    summary = dict(
        protocol=protocol,
        pooling='mean' if protocol == 'torchgeo-bench' else pooling,
        data=data,
        cfg_options=list(cfg_options),
        seed=seed,
        seeds=seeds,
        classes=list(train.classes),
        train_images=len(train),
        test_images=len(test),
        backbones=results,
    )
    write_json(out, 'probe', summary)
    return summary


def open_labeled(
    data: str, seed: int = 0, cfg_options: Sequence[str] = ()
) -> tuple[ImageSet, ImageSet]:
    """Open images with classes to fit and to test on.

    Raises:
        UserError: See `probe_stages`.
    """
    train = open_images(data, 'train', cfg_options)
    if train.labels is None:
        raise UserError(
            f"expected images with classes in '{data}', found none: a probe needs "
            'labels. Give a folder with one sub-folder per class, or a config of '
            'classification.'
        )
    if len(np.unique(train.labels)) < 2:
        raise UserError(
            f"expected images of two classes or more in '{data}', all {len(train)} are "
            f"of '{train.class_of(0)}'."
        )
    if not has_splits(data):
        tested = held_out(train.labels, seed, share=0.5)
        fitted = np.setdiff1d(np.arange(len(train)), tested)
        return train.only(fitted.tolist()), train.only(tested.tolist())
    test = open_images(data, 'test', cfg_options)
    if test.classes != train.classes or test.labels is None:
        raise UserError(
            f"expected the same classes to fit and to test on in '{data}', got "
            f'{list(train.classes)} and {list(test.classes)}.'
        )
    return train, test


def pooled_features(
    encoder: Encoder,
    images: ImageSet,
    size: int | None,
    places: Sequence[str],
    mean: bool,
) -> dict[str, Tensor]:
    """Compute the features of stages, pooled to `GRIDS` or to one vector.

    Returns:
        By place, shape (N, C * side * side).

    Raises:
        UserError: If one is not finite.
    """
    found: dict[str, list[Tensor]] = {place: [] for place in places}
    with torch.no_grad():
        for pixels in batches(images, size, encoder):
            maps = encoder.maps(encoder.prepare(pixels))
            for place in places:
                side = 1 if mean else GRIDS[place]
                pooled = F.adaptive_avg_pool2d(maps[place], side)
                found[place].append(pooled.flatten(1).float())
    return {place: torch.cat(parts) for place, parts in found.items()}


def _at_shares(
    train: Tensor,
    test: Tensor,
    labels: tuple[Tensor, Tensor],
    num_classes: int,
    shares: Sequence[float],
    seeds: int,
    seed: int,
) -> dict[str, dict[str, Any]]:
    train, test = reduce_rows(*standardize(train, test))
    found: dict[str, dict[str, Any]] = {}
    for share in shares:
        runs = []
        # All labels are one draw.
        for draw in range(seeds if share < 100 else 1):
            chosen = torch.from_numpy(draw_share(labels[0].numpy(), share, seed + draw))
            runs.append(
                accuracies(
                    train[chosen], labels[0][chosen], test, labels[1], num_classes
                )
                | dict(images=len(chosen))
            )
        found[f'{share:g}'] = dict(images=runs[0]['images']) | {
            name: _summary([run[name] for run in runs]) for name in ('knn', 'linear')
        }
    return found


def _summary(values: Sequence[float]) -> dict[str, Any]:
    mean, deviation = mean_and_deviation(values)
    return dict(mean=mean, deviation=deviation, seeds=list(values))
