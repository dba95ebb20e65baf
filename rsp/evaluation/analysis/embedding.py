"""Draw features of scenes in the plane, by t-SNE or UMAP, with scores and a page."""

import base64
import importlib.util
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from rsp.errors import UserError
from rsp.evaluation.analysis.backbones import load_encoders, read_alike
from rsp.evaluation.analysis.images import (
    ImageSet,
    open_images,
    resize,
    stage_features,
)
from rsp.evaluation.analysis.results import (
    draw_indices,
    save_figure,
    write_json,
    write_text,
)
from rsp.evaluation.analysis.stages import STAGES
from rsp.ops import check
from rsp.visualization.figures.scatter import class_colors, plot_scatters

THUMBNAIL = 64
PACKAGES = dict(tsne='openTSNE', umap='umap')


def draw_embeddings(
    checkpoints: Sequence[str],
    data: str,
    out: Path,
    method: str = 'tsne',
    stage: int = 4,
    max_images: int = 1000,
    neighbors: int = 10,
    size: int | None = None,
    seed: int = 0,
    branch: str | None = None,
    trust: bool = False,
    cfg_options: Sequence[str] = (),
) -> dict[str, Any]:
    """Embed the features of several backbones, and score how they group classes.

    Distances between far groups, and sizes of groups, mean little in such a plane:
    the scores are of the features themselves.

    Args:
        checkpoints: See `load_encoders`.
        data: See `open_images`.
        out: Folder for embedding.png, embedding.html and embedding.json.
        method: ``'tsne'`` (openTSNE's, perplexity 30, started by principal components)
            or ``'umap'``.
        stage: Whose features, 1 to 4, each map's mean.
        max_images: To embed, drawn by the seed.
        neighbors: Of the purity.
        size: See `batches`.
        seed: Of the draw and the embedding.
        branch: See `load_encoders`.
        trust: See `load_encoders`.
        cfg_options: See `open_images`.

    Returns:
        What embedding.json holds: per backbone the silhouette (cosine, -1 to 1) and the
        purity (share of the nearest that are of the own class, 0 to 1), and places.

    Raises:
        UserError: If a package is missing, or there are fewer images than neighbors.
    """
    check.between('--stage', stage, 1, 4)
    _require(method)
    encoders = load_encoders(checkpoints, branch, trust)
    images = open_images(data, cfg_options=cfg_options)
    read_alike(images, encoders)
    chosen = images.only(draw_indices(len(images), max_images, seed))
    check.at_least('number of images (more than --neighbors)', len(chosen),
                   neighbors + 1)  # fmt: skip
    place, results, planes = STAGES[stage], [], []
    for encoder in encoders:
        features = stage_features(encoder, chosen, size, [place])[place]
        unit = F.normalize(features - features.mean(dim=0), dim=1)
        plane = embed(unit.numpy(), method, seed)
        planes.append(plane)
        result = encoder.describe() | dict(name=encoder.name)
        if chosen.labels is not None and len(np.unique(chosen.labels)) > 1:
            result |= scores(unit, torch.from_numpy(chosen.labels), neighbors)
        results.append(result)
    titles = [_title(result) for result in results]
    figure = plot_scatters(planes, titles, chosen.labels, chosen.classes, method)
    save_figure(out, 'embedding', figure)
    names = [result['name'] for result in results]
    page = render_page(chosen, planes, names, titles, method)
    write_text(out, 'embedding.html', page)
    summary = dict(
        method=method,
        stage=place,
        data=data,
        cfg_options=list(cfg_options),
        seed=seed,
        neighbors=neighbors,
        images=chosen.names(),
        colors=images.caption() or None,
        labels=chosen.labels,
        classes=list(chosen.classes),
        backbones=[
            result | dict(places=plane.round(3))
            for result, plane in zip(results, planes, strict=True)
        ],
    )
    write_json(out, 'embedding', summary)
    return summary


def embed(features: np.ndarray, method: str, seed: int) -> np.ndarray:
    """Place features in the plane.

    Args:
        features: Shape (N, D).
        method: ``'tsne'`` or ``'umap'``.
        seed: Of the method.

    Returns:
        Shape (N, 2), float64.
    """
    count = len(features)
    if method == 'umap':
        from umap import UMAP

        # One thread, as its results repeat.
        plane = UMAP(
            n_neighbors=min(15, count - 1), random_state=seed, n_jobs=1
        ).fit_transform(features)
        return np.asarray(plane, np.float64)
    from openTSNE import TSNE

    plane = TSNE(
        perplexity=min(30.0, (count - 1) / 3),
        initialization='pca',
        # Trees and several threads find neighbors that change with the machine.
        neighbors='exact',
        n_jobs=1,
        random_state=seed,
    ).fit(features)
    return np.asarray(plane, np.float64)


def scores(unit: Tensor, labels: Tensor, neighbors: int) -> dict[str, float]:
    """Score how features group classes.

    Args:
        unit: Centered features of length 1, shape (N, D).
        labels: Shape (N,).
        neighbors: k, below N.

    Returns:
        ``silhouette`` by cosine distances, ``purity`` of the k nearest by cosine, and
        ``purity_by_chance``, of images drawn among the others.
    """
    from sklearn.metrics import silhouette_score

    cosines = unit @ unit.T
    cosines.fill_diagonal_(-torch.inf)
    near = cosines.topk(neighbors).indices
    counts = torch.bincount(labels)
    chance = ((counts[labels] - 1) / (len(labels) - 1)).mean()
    return dict(
        silhouette=float(silhouette_score(unit, labels, metric='cosine')),
        purity=(labels[near] == labels[:, None]).double().mean().item(),
        purity_by_chance=chance.item(),
    )


def render_page(
    images: ImageSet,
    planes: Sequence[np.ndarray],
    names: Sequence[str],
    titles: Sequence[str],
    method: str,
) -> str:
    """Render a page of its own, without network: a point shows its image."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader('rsp.evaluation.analysis', ''),
        autoescape=True,
        undefined=StrictUndefined,
    )
    labels = np.zeros(len(images), int) if images.labels is None else images.labels
    used = [] if images.labels is None else np.unique(labels).tolist()
    colors = class_colors(len(images.classes))
    points = [
        dict(
            name=name,
            label=images.class_of(i),
            color=colors[int(labels[i])],
            image=thumbnail(images.pixels(i)),
        )
        for i, name in enumerate(images.names())
    ]
    return environment.get_template('embedding.html.j2').render(
        method=dict(tsne='t-SNE', umap='UMAP')[method],
        caption=images.caption(),
        points=points,
        planes=[_to_percent(plane) for plane in planes],
        names=list(names),
        titles=list(titles),
        legend=[(str(images.classes[label]), colors[label]) for label in used],
    )


def thumbnail(pixels: np.ndarray) -> str:
    """Return a small JPEG of an image as an address that holds its data."""
    file = BytesIO()
    Image.fromarray(resize(pixels, THUMBNAIL, square=True)).save(file, 'JPEG')
    return f'data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}'


def _to_percent(plane: np.ndarray) -> list[list[float]]:
    """Scale to 2-98, both axes alike; the second one downwards, as on a page."""
    low, high = plane.min(axis=0), plane.max(axis=0)
    scaled = (plane - (low + high) / 2) / max((high - low).max(), 1e-9) * 96 + 50
    return np.stack([scaled[:, 0], 100 - scaled[:, 1]], axis=1).round(2).tolist()


def _title(result: dict[str, Any]) -> str:
    if 'silhouette' not in result:
        return str(result['name'])
    return (
        f'{result["name"]}\nsilhouette {result["silhouette"]:.2f}, '
        f'kNN purity {100 * result["purity"]:.0f} % '
        f'(chance {100 * result["purity_by_chance"]:.0f} %)'
    )


def _require(method: str) -> None:
    # Scores are scikit-learn's.
    missing = [name for name in ('sklearn', PACKAGES[method])
               if importlib.util.find_spec(name) is None]  # fmt: skip
    if missing:
        raise UserError(
            f"--method {method} needs the package '{missing[-1]}'; install "
            'rsp-pretrain[analyze].'
        )
