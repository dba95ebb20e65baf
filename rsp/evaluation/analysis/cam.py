"""Compare where backbones look, on the same images, by class-activation maps.

A self-supervised backbone has no classifier, so a map of a class needs one. Two targets
are offered, and the result names the one that was taken:

* ``feature``: half the squared length of the pooled feature. Its gradient by the
  feature is the feature itself, so the map of the last stage is each place's dot
  product with the image's mean: places that look like what the image as a whole is
  encoded as. It needs no label, and knows no class.
* ``probe``: the logit of the image's own class in a linear probe that is fitted to the
  pooled features of the training images: places that speak for that class.

``eigen-cam`` has no target.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

from rsp.errors import UserError
from rsp.evaluation.analysis.backbones import Encoder, load_encoders, read_alike
from rsp.evaluation.analysis.images import (
    ImageSet,
    open_images,
    resize,
    stage_features,
)
from rsp.evaluation.analysis.patches.attention import attention_map
from rsp.evaluation.analysis.results import draw_indices, save_figure, write_json
from rsp.evaluation.analysis.stages import STAGES
from rsp.evaluation.linear_probe import fit_linear
from rsp.ops import check
from rsp.ops.features.saliency import (
    eigen_cam,
    energy_inside,
    grad_cam,
    points_inside,
)
from rsp.visualization.figures.image_grid import Cell, draw_grid

Target = Callable[[Tensor, int], Tensor]


def compare_maps(
    checkpoints: Sequence[str],
    data: str,
    out: Path,
    method: str = 'grad-cam',
    target: str = 'auto',
    stage: int = 4,
    num_images: int = 6,
    max_scored: int = 200,
    size: int | None = None,
    seed: int = 0,
    branch: str | None = None,
    trust: bool = False,
    cfg_options: Sequence[str] = (),
) -> dict[str, Any]:
    """Draw maps of several backbones side by side, and score them where objects are.

    Args:
        checkpoints: See `load_encoders`.
        data: See `open_images`.
        out: Folder for cam.png and cam.json, or attention.png and attention.json.
        method: ``'grad-cam'``, ``'eigen-cam'`` or ``'attention'``.
        target: ``'feature'`` or ``'probe'``, see the module; ``'auto'`` takes the probe
            where images have labels.
        stage: Whose map it is, 1 to 4. Deeper ones mean more and are coarser.
        num_images: Rows of the picture.
        max_scored: Images to score, drawn by the seed.
        size: Shorter side of the images, pixels; None as they are.
        seed: Of what is drawn.
        branch: See `load_encoders`.
        trust: See `load_encoders`.
        cfg_options: See `open_images`.

    Returns:
        What the JSON file holds: per backbone the mean share of energy inside of
        objects, that share of a map of one value (the objects' share of the area), and
        the share of maps whose highest place is inside.
    """
    check.between('--stage', stage, 1, 4)
    encoders = load_encoders(checkpoints, branch, trust)
    images = open_images(data, cfg_options=cfg_options)
    read_alike(images, encoders)
    if target == 'auto':
        target = 'probe' if images.labels is not None else 'feature'
    scored = draw_indices(len(images), max_scored, seed)
    read = {i: resize(images.pixels(i), size) for i in scored}
    objects = {i: _objects(images, i, read[i].shape[:2]) for i in scored}
    scored = [i for i in scored if objects[i] is not None] or scored
    shown = [scored[i] for i in draw_indices(len(scored), num_images, seed)]
    has_objects = objects[scored[0]] is not None
    place = STAGES[stage]
    results, columns = [], []
    for encoder in encoders:
        goal = None
        if method == 'grad-cam':
            goal = _target(encoder, data, target, size, cfg_options)
        maps = {
            i: _enlarged_attention(encoder, seen, stage)
            if method == 'attention'
            else saliency_of(encoder, seen, place, goal, _label(images, i))
            for i in (scored if has_objects else shown)
            for seen in [resize(encoder.read(images, i), size)]
        }
        columns.append([_cell(read[i], maps[i], objects[i]) for i in shown])
        result = encoder.describe() | dict(name=encoder.name)
        if has_objects:
            result |= _scores(maps, objects, images)
        results.append(result)
    row_names = [images.class_of(i) or Path(images.paths[i]).stem for i in shown]
    left = [Cell(read[i], outline=objects[i]) for i in shown]
    figure = draw_grid(
        [[first, *rest] for first, *rest in zip(left, *columns, strict=True)],
        ['image', *map(_title, results)],
        row_names,
        f'{method} of {place}, share of its maximum',
        caption=images.caption(),
    )
    name = 'attention' if method == 'attention' else 'cam'
    save_figure(out, name, figure)
    summary = dict(
        method=method,
        target=target if method == 'grad-cam' else None,
        stage=place,
        data=data,
        cfg_options=list(cfg_options),
        seed=seed,
        scored_images=len(scored) if has_objects else 0,
        shown=images.names(shown),
        colors=images.caption() or None,
        backbones=results,
    )
    write_json(out, name, summary)
    return summary


def saliency_of(
    encoder: Encoder,
    pixels: np.ndarray,
    place: str = 'stage4',
    target: Target | None = None,
    label: int = 0,
) -> np.ndarray:
    """Compute the map of one image.

    Args:
        encoder: The backbone.
        pixels: Shape (H, W, C), see `Encoder.read`.
        place: Stage of the map.
        target: Score of a pooled feature (1, C) and a class, whose gradient weighs the
            channels; None for Eigen-CAM.
        label: Class of the image.

    Returns:
        Shape (H, W), float32, 0 or more, bilinear between the places of the stage.
    """
    images = encoder.prepare([pixels])
    if target is None:
        with torch.no_grad():
            saliency = eigen_cam(encoder.maps(images)[place])
    else:
        # The weights are frozen; the graph begins at the pixels.
        maps = encoder.maps(images.requires_grad_())
        score = target(maps[STAGES[-1]].mean(dim=(2, 3)), label)
        [gradients] = torch.autograd.grad(score, maps[place])
        saliency = grad_cam(maps[place].detach(), gradients)
    return enlarge(saliency[0].float().numpy(), encoder.stride(place), pixels.shape)


def enlarge(saliency: np.ndarray, stride: int, size: Sequence[int]) -> np.ndarray:
    """Bring a map to the size of its image, each position over its own pixels.

    Args:
        saliency: Shape (h, w).
        stride: Pixels of a position.
        size: H, W; the last positions may lie partly outside, or end before the border.

    Returns:
        Shape (H, W), bilinear.

    Raises:
        UserError: If there is no position.
    """
    h, w = saliency.shape
    if not saliency.size:
        raise UserError(
            f'expected images of {stride} pixels a side at least, which is a position '
            f'of the map, got {size[0]} x {size[1]}; enlarge them by --size.'
        )
    big = cv2.resize(saliency, (w * stride, h * stride), interpolation=cv2.INTER_LINEAR)
    missing = [(0, max(0, size[axis] - big.shape[axis])) for axis in (0, 1)]
    return np.pad(big, missing, mode='edge')[: size[0], : size[1]]


def _enlarged_attention(encoder: Encoder, pixels: np.ndarray, stage: int) -> np.ndarray:
    found = attention_map(encoder, pixels, stage)
    return enlarge(found, encoder.stride(STAGES[stage]), pixels.shape)


def feature_target(feature: Tensor, label: int) -> Tensor:
    """Return half the squared length of a pooled feature."""
    return feature.square().sum() / 2


def _target(
    encoder: Encoder,
    data: str,
    target: str,
    size: int | None,
    cfg_options: Sequence[str],
) -> Target:
    if target == 'feature':
        return feature_target
    train = open_images(data, 'train', cfg_options)
    if train.labels is None:
        raise UserError(
            f"expected images with classes in '{data}' for --target probe, got none; "
            'take --target feature.'
        )
    last = STAGES[-1]
    features = stage_features(encoder, train, size, [last])[last]
    mean, scale = features.mean(dim=0), features.std(dim=0).clamp(min=1e-6)
    labels = torch.from_numpy(train.labels)
    probe = fit_linear((features - mean) / scale, labels, len(train.classes))
    return lambda feature, label: probe.logits((feature - mean) / scale)[0, label]


def _label(images: ImageSet, index: int) -> int:
    return 0 if images.labels is None else int(images.labels[index])


def _objects(images: ImageSet, index: int, size: tuple[int, int]) -> np.ndarray | None:
    """Return where objects are in the resized image; None if unknown or none is."""
    if images.dataset is None or images.labels is not None:
        return None
    inside = images.inside(index, images.pixels(index).shape[:2])
    if inside is None:
        return None
    resized = cv2.resize(
        inside.astype(np.uint8), size[::-1], interpolation=cv2.INTER_NEAREST
    )
    return resized.astype(bool) if resized.any() else None


def _scores(
    maps: dict[int, np.ndarray], objects: dict[int, Any], images: ImageSet
) -> dict[str, Any]:
    per_image = []
    for index, saliency in maps.items():
        here, inside = torch.from_numpy(saliency), torch.from_numpy(objects[index])
        per_image.append(
            dict(
                image=images.names([index])[0],
                energy=energy_inside(here, inside).item(),
                area=inside.double().mean().item(),
                points=points_inside(here, inside),
            )
        )
    means = {
        key: float(np.mean([item[key] for item in per_image]))
        for key in ('energy', 'area', 'points')
    }
    return dict(
        energy_inside=means['energy'],
        area_of_objects=means['area'],
        pointing_game=means['points'],
        images=per_image,
    )


def _cell(pixels: np.ndarray, saliency: np.ndarray, outline: Any) -> Cell:
    top = saliency.max()
    if top <= 0:
        return Cell(pixels, outline=outline, note='no place speaks for the target')
    return Cell(pixels, saliency / top, outline)


def _title(result: dict[str, Any]) -> str:
    if 'energy_inside' not in result:
        return result['name']
    return (
        f'{result["name"]}\nenergy inside {100 * result["energy_inside"]:.0f} % '
        f'(area {100 * result["area_of_objects"]:.0f} %)\n'
        f'pointing game {100 * result["pointing_game"]:.0f} %'
    )
