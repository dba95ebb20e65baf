"""Measure how far a backbone holds everyday photos from scenes, stage by stage."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rsp.evaluation.analysis.backbones import load_encoders
from rsp.evaluation.analysis.images import open_images, stage_features
from rsp.evaluation.analysis.protocols import CHANGE, L2, held_out, reduce_rows
from rsp.evaluation.analysis.results import draw_indices, save_figure, write_json
from rsp.evaluation.analysis.stages import STAGES
from rsp.evaluation.features import standardize
from rsp.evaluation.linear_probe import fit_linear
from rsp.ops import check
from rsp.ops.features.distance import frechet_distance, linear_cka
from rsp.visualization.figures.probe_curves import plot_gap


def measure_gap(
    checkpoints: Sequence[str],
    data: str,
    photos: str,
    out: Path,
    max_images: int = 300,
    size: int = 64,
    seed: int = 0,
    branch: str | None = None,
    trust: bool = False,
    cfg_options: Sequence[str] = (),
) -> dict[str, Any]:
    """Compare the features of photos with those of scenes, for each stage.

    Args:
        checkpoints: See `load_encoders`; the first one is what others are compared
            with, e.g. the backbone before GeRSP.
        data: Scenes, see `open_images`.
        photos: Photos, likewise.
        out: Folder for gap.png and gap.json.
        max_images: Of each, as many of both, drawn by the seed.
        size: Side that all are scaled to, pixels: photos must not be told by it.
        seed: Of the draws.
        branch: See `load_encoders`.
        trust: See `load_encoders`.
        cfg_options: Of the scenes, see `open_images`.

    Returns:
        What gap.json holds, by backbone and stage: ``separability``, accuracy in per
        cent of a linear probe that tells photos from scenes on unseen ones (50 by
        chance); ``frechet``, squared Frechet distance per dimension of features
        standardized over both; ``cka`` with the first backbone, of photos and scenes.

    Raises:
        UserError: If there are fewer than four images of a kind.
    """
    encoders = load_encoders(checkpoints, branch, trust, colors=True)
    sets = [open_images(photos), open_images(data, cfg_options=cfg_options)]
    count = min(max_images, *map(len, sets))
    check.at_least('number of photos and of scenes', count, 4)
    drawn = [images.only(draw_indices(len(images), count, seed)) for images in sets]
    results: list[dict[str, Any]] = []
    reference: list[dict[str, Tensor]] = []
    for encoder in encoders:
        features = [stage_features(encoder, one, size, STAGES) for one in drawn]
        reference = reference or features
        stages = {
            place: _compare(
                features[0][place],
                features[1][place],
                reference[0][place],
                reference[1][place],
                seed,
            )
            for place in STAGES
        }
        results.append(encoder.describe() | dict(name=encoder.name, stages=stages))
    save_figure(out, 'gap', plot_gap(results))
    summary = dict(
        photos=photos, scenes=data, cfg_options=list(cfg_options), images=count,
        size=size, seed=seed, compared_with=results[0]['name'], backbones=results,
    )  # fmt: skip
    write_json(out, 'gap', summary)
    return summary


def _compare(
    photos: Tensor,
    scenes: Tensor,
    first_photos: Tensor,
    first_scenes: Tensor,
    seed: int,
) -> dict[str, float]:
    both, _ = standardize(torch.cat([photos, scenes]), photos)
    labels = torch.arange(2).repeat_interleave(len(photos))
    tested = held_out(labels.numpy(), seed, share=0.5)
    fitted = np.setdiff1d(np.arange(len(labels)), tested)
    train, test = reduce_rows(both[fitted], both[tested])
    probe = fit_linear(train, labels[fitted], 2, L2, tolerance_change=CHANGE)
    right = probe.logits(test).argmax(dim=1) == labels[tested]
    distance = frechet_distance(both[: len(photos)], both[len(photos) :])
    return dict(
        separability=100 * right.double().mean().item(),
        frechet=distance.item() / both.shape[1],
        cka_photos=linear_cka(photos, first_photos).item(),
        cka_scenes=linear_cka(scenes, first_scenes).item(),
    )
