"""Match patches of two views of known geometry, and of two images of one class."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from rsp.errors import UserError
from rsp.evaluation.analysis.backbones import Encoder, load_encoders, read_alike
from rsp.evaluation.analysis.images import ImageSet, open_images, per_band, resize
from rsp.evaluation.analysis.results import draw_indices, save_figure, write_json
from rsp.evaluation.analysis.stages import STAGES
from rsp.ops import check
from rsp.visualization.figures.image_grid import Cell, draw_grid

# Lines of a picture, green where right; those of a pair have no truth.
LINES, PAIR_LINES = 30, 12
RIGHT, WRONG, UNKNOWN = (0, 220, 130), (235, 60, 20), (255, 210, 0)
GAP = 8


class View(NamedTuple):
    """Describe a square that was cut out of an image and scaled.

    Attributes:
        left: Of the square, in shares of the image's side.
        top: Likewise.
        side: Likewise.
        mirrored: Whether left and right are swapped.
    """

    left: float
    top: float
    side: float
    mirrored: bool = False

    def place(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return where points of the image are in the view, 0 to 1 inside."""
        x, y = (x - self.left) / self.side, (y - self.top) / self.side
        return (1 - x if self.mirrored else x), y

    def point(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the points of the image that are at places of the view."""
        x = 1 - x if self.mirrored else x
        return self.left + x * self.side, self.top + y * self.side


class Matches(NamedTuple):
    """Hold the patches of a first view that the second one shows, and their matches.

    Attributes:
        first: Places in the first view, shape (P, 2), x and y, 0 to 1.
        second: Places of the matches in the second one, likewise.
        right: Whether a match is within one patch, shape (P,).
        chance: Share of the second view's patches that would be right, mean.
    """

    first: np.ndarray
    second: np.ndarray
    right: np.ndarray
    chance: float


def match_views(
    checkpoints: Sequence[str],
    data: str,
    out: Path,
    stage: int = 3,
    num_images: int = 4,
    max_scored: int = 100,
    size: int = 224,
    seed: int = 0,
    branch: str | None = None,
    trust: bool = False,
    cfg_options: Sequence[str] = (),
) -> dict[str, Any]:
    """Match patches by their features, draw lines, and tell the share that is right.

    Args:
        checkpoints: See `load_encoders`.
        data: See `open_images`.
        out: Folder for correspondence.png and .json, and with classes
            correspondence_classes.png.
        stage: Whose features, 1 to 4.
        num_images: Rows of the picture.
        max_scored: Images to score, drawn by the seed, two views of each.
        size: Side of a view, pixels.
        seed: Of images and views.
        branch: See `load_encoders`.
        trust: See `load_encoders`.
        cfg_options: See `open_images`.

    Returns:
        What correspondence.json holds: per backbone the share of patches of the first
        view, seen in the second, whose nearest there is within one patch of the truth
        in x and y, and that share by chance.
    """
    check.between('--stage', stage, 1, 4)
    encoders = load_encoders(checkpoints, branch, trust)
    images = open_images(data, cfg_options=cfg_options)
    read_alike(images, encoders)
    scored = draw_indices(len(images), max_scored, seed)
    shown = [scored[i] for i in draw_indices(len(scored), num_images, seed)]
    rng = np.random.default_rng(seed)
    views = {i: draw_views(rng) for i in scored}
    place, results, columns = STAGES[stage], [], []
    for encoder in encoders:
        right, chance, cells = [], [], []
        for index in scored:
            seen = _cut(encoder.read(images, index), views[index], size)
            found = match(*_features(encoder, seen, place), *views[index])
            if len(found.right):  # Else the views have no patch in common.
                right.append(found.right)
                chance.append(found.chance)
            if index in shown:
                cut = _cut(images.pixels(index), views[index], size)
                cells.append(Cell(_draw_lines(cut, found, seed)))
        if not right:
            raise UserError(
                'expected patches that both views show, got none in '
                f'{len(scored)} images at {place}; raise --size or --max-scored.'
            )
        share = float(np.concatenate(right).mean())
        results.append(
            encoder.describe()
            | dict(name=encoder.name, matched=share, by_chance=float(np.mean(chance)))
        )
        columns.append(cells)
    titles = [
        f'{r["name"]}\n{100 * r["matched"]:.0f} % within one patch '
        f'(chance {100 * r["by_chance"]:.0f} %)'
        for r in results
    ]
    names = [images.class_of(i) or Path(images.paths[i]).stem for i in shown]
    rows = list(zip(*columns, strict=True))
    figure = draw_grid(
        rows,
        titles,
        names,
        title=f'two views, matched by {place}',
        cell=4,
        caption=images.caption(),
    )
    save_figure(out, 'correspondence', figure)
    if images.labels is not None:
        _draw_pairs(encoders, images, place, size, num_images, seed, out)
    summary = dict(
        stage=place,
        data=data,
        cfg_options=list(cfg_options),
        seed=seed,
        size=size,
        images=len(scored),
        colors=images.caption() or None,
        backbones=results,
    )
    write_json(out, 'correspondence', summary)
    return summary


def draw_views(rng: np.random.Generator) -> tuple[View, View]:
    """Draw two squares of 60 to 90 % of an image's side, the second perhaps mirrored.

    Any two of them share a part of the image.
    """
    views = []
    for number in range(2):
        side = rng.uniform(0.6, 0.9)
        left, top = rng.uniform(0, 1 - side, size=2)
        views.append(View(left, top, side, bool(number and rng.random() < 0.5)))
    return views[0], views[1]


def cut_view(pixels: np.ndarray, view: View, size: int) -> np.ndarray:
    """Cut a view out of a square image and scale it, shape (size, size, C)."""
    # Corners of pixels, in a matrix from the view to the image.
    side = len(pixels)
    scale = view.side * side / size
    shift = [view.left * side, view.top * side]
    matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
    if view.mirrored:
        matrix[0] = [-scale, 0, shift[0] + view.side * side]
    # warpAffine counts centers of pixels.
    matrix[:, 2] += matrix[:, :2] @ (0.5, 0.5) - 0.5
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return per_band(
        pixels,
        lambda band: cv2.warpAffine(
            band, matrix, (size, size), flags=flags, borderMode=cv2.BORDER_REPLICATE
        ),
    )


def _cut(pixels: np.ndarray, views: Sequence[View], size: int) -> list[np.ndarray]:
    square = resize(pixels, None, square=True)
    return [cut_view(square, view, size) for view in views]


def match(first: Tensor, second: Tensor, one: View, other: View) -> Matches:
    """Match patches by the highest cosine, and judge the matches by the geometry.

    Args:
        first: Features of the first view, shape (C, h, w).
        second: Of the second one, same shape.
        one: The first view.
        other: The second one.
    """
    _, height, width = first.shape
    rows, columns = np.indices((height, width)).reshape(2, -1)
    x, y = (columns + 0.5) / width, (rows + 0.5) / height
    true_x, true_y = other.place(*one.point(x, y))
    seen = (true_x >= 0) & (true_x < 1) & (true_y >= 0) & (true_y < 1)
    unit = [F.normalize(maps.flatten(1), dim=0) for maps in (first, second)]
    nearest = (unit[0].T @ unit[1]).argmax(dim=1).numpy()
    apart_x = np.abs(true_x[:, None] - x) * width
    apart_y = np.abs(true_y[:, None] - y) * height
    # Rounding must not decide where the truth is on the center of a patch.
    near = np.maximum(apart_x, apart_y) <= 1 + 1e-9
    right = near[np.arange(len(x)), nearest]
    places = np.stack([x, y], axis=1)
    chance = float(near[seen].mean()) if seen.any() else 0.0
    return Matches(places[seen], places[nearest][seen], right[seen], chance)


def mutual(first: Tensor, second: Tensor, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the patches that are nearest to each other, the most alike first.

    Args:
        first: Features, shape (C, h, w).
        second: Features, same shape.
        count: At most.

    Returns:
        Places in both, shape (P, 2) each, x and y, 0 to 1.
    """
    _, height, width = first.shape
    unit = [F.normalize(maps.flatten(1), dim=0) for maps in (first, second)]
    cosines = unit[0].T @ unit[1]
    there, back = cosines.argmax(dim=1), cosines.argmax(dim=0)
    own = torch.arange(len(there))
    pairs = own[back[there] == own]
    order = cosines[pairs, there[pairs]].argsort(descending=True, stable=True)
    chosen = pairs[order[:count]]
    rows, columns = np.indices((height, width)).reshape(2, -1)
    places = np.stack([(columns + 0.5) / width, (rows + 0.5) / height], axis=1)
    return places[chosen.numpy()], places[there[chosen].numpy()]


def _features(
    encoder: Encoder, pixels: Sequence[np.ndarray], place: str
) -> tuple[Tensor, Tensor]:
    with torch.no_grad():
        first, second = encoder.maps(encoder.prepare(pixels))[place]
    return first, second


def _draw_lines(cut: Sequence[np.ndarray], found: Matches, seed: int) -> np.ndarray:
    chosen = draw_indices(len(found.right), LINES, seed)
    colors = [RIGHT if found.right[i] else WRONG for i in chosen]
    return _side_by_side(cut, found.first[chosen], found.second[chosen], colors)


def _side_by_side(
    cut: Sequence[np.ndarray],
    first: np.ndarray,
    second: np.ndarray,
    colors: Sequence[tuple[int, int, int]],
) -> np.ndarray:
    side = len(cut[0])
    white = np.full((side, GAP, 3), 255, np.uint8)
    canvas = np.ascontiguousarray(np.concatenate([cut[0], white, cut[1]], axis=1))
    # Sixteenths of a pixel, which OpenCV takes as whole numbers.
    starts = (first * side * 16).round().astype(int)
    ends = ((second * side + (side + GAP, 0)) * 16).round().astype(int)
    for start, end, color in zip(starts, ends, colors, strict=True):
        cv2.line(canvas, start, end, color, 1, cv2.LINE_AA, shift=4)
        for place in (start, end):
            cv2.circle(canvas, place, 2 * 16, color, -1, cv2.LINE_AA, shift=4)
    return canvas


def _draw_pairs(
    encoders: Sequence[Encoder],
    images: ImageSet,
    place: str,
    size: int,
    num_images: int,
    seed: int,
    out: Path,
) -> None:
    """Draw mutual matches of two images of one class; nobody knows which are right."""
    rng = np.random.default_rng(seed)
    labels = np.asarray(images.labels)
    counts = np.bincount(labels, minlength=len(images.classes))
    large = np.flatnonzero(counts >= 2)
    rows, names = [], []
    for label in sorted(rng.permutation(large)[:num_images].tolist()):
        pair = rng.permutation(np.flatnonzero(labels == label))[:2].tolist()
        whole = [View(0, 0, 1)]
        cut = [view for i in pair for view in _cut(images.pixels(i), whole, size)]
        cells = []
        for encoder in encoders:
            seen = [v for i in pair for v in _cut(encoder.read(images, i), whole, size)]
            first, second = mutual(*_features(encoder, seen, place), PAIR_LINES)
            colors = [UNKNOWN] * len(first)
            cells.append(Cell(_side_by_side(cut, first, second, colors)))
        rows.append(cells)
        names.append(str(images.classes[label]))
    if rows:
        title = f'two images of a class, patches nearest to each other by {place}'
        columns = [encoder.name for encoder in encoders]
        figure = draw_grid(
            rows, columns, names, title=title, cell=4, caption=images.caption()
        )
        save_figure(out, 'correspondence_classes', figure)
