"""Show what CMID makes of masked patches, and which frequencies it gets right."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from mmengine.registry import MODELS, DefaultScope
from mmengine.structures import BaseDataElement
from numpy.typing import NDArray
from torch import Tensor

from rsp.checkpoints import Checkpoint, config_values, load_whole_model
from rsp.checkpoints.card import find_card
from rsp.datasets.transforms.load_image import LoadImageFromFile
from rsp.datasets.transforms.shown_bands import find_shown
from rsp.engine.hooks.reconstruction import stretch_alike, to_pixels
from rsp.errors import UserError
from rsp.evaluation.analysis.backbones import name_sources
from rsp.evaluation.analysis.images import ImageSet, open_images, resize
from rsp.evaluation.analysis.readers import find_reader, note_colors, read_image
from rsp.evaluation.analysis.results import draw_indices, save_figure, write_json
from rsp.ops.masking import draw_mask
from rsp.ops.reconstruction import relative_error
from rsp.visualization.figures.image_grid import Cell, draw_grid
from rsp.visualization.figures.spectra import plot_spectra

VIEWS = 'rsp.MaskedTwoCrop'
STRETCHED = ', 2nd to 98th percentile of the clean images'


def show_reconstructions(
    checkpoints: Sequence[str],
    data: str,
    out: Path,
    num_images: int = 4,
    max_scored: int = 100,
    seed: int = 0,
    trust: bool = False,
    cfg_options: Sequence[str] = (),
) -> dict[str, Any]:
    """Draw masked images as whole models of CMID complete them, and their spectra.

    Args:
        checkpoints: Of trainings of CMID, which hold decoder and config; the config is
            parsed, never run. Size, patches and share of the masks are those of the
            training.
        data: See `open_images`.
        out: Folder for reconstruction.png, reconstruction_spectrum.png and
            reconstruction.json.
        num_images: Columns.
        max_scored: Images to score, drawn by the seed.
        seed: Of images and masks.
        trust: Open files that can run code.
        cfg_options: See `open_images`.

    Returns:
        What reconstruction.json holds: per model the error of masked pixels over that
        of a fill with the mean color, and amplitudes by frequency.

    Raises:
        UserError: If a file is not a training of CMID.
    """
    images = open_images(data, cfg_options=cfg_options)
    scored = draw_indices(len(images), max_scored, seed)
    shown = draw_indices(len(scored), num_images, seed)
    rows, names, results = [], [], []
    models = [(n, load_model(s, trust)) for n, s in name_sources(checkpoints)]
    for _, model in models:
        read_image(images, 0, model.bands, model.reader, model.source)
    readers = [model.reader for _, model in models if model.reader is not None]
    note_colors(images, readers, [n for n, m in models if m.reader is None])
    for name, model in models:
        size, patch, ratio = model.size, model.patch, model.ratio
        pixels = [
            resize(
                read_image(images, i, model.bands, model.reader, model.source),
                size,
                square=True,
            )
            for i in scored
        ]
        rng = np.random.RandomState(seed)
        masks = [draw_mask((size // patch,) * 2, ratio, rng) for _ in scored]
        clean, masked, filled = reconstruct(model.network, pixels, np.stack(masks))
        parts = [part[shown] for part in (clean, masked, filled)]
        if model.reader is None:
            drawn = [to_pixels(x, model.network.data_preprocessor) for x in parts]
        else:
            bands = find_shown(images.reader, images.paths[0], model.bands)[0]
            drawn = stretch_alike(parts, bands if model.bands >= 3 else bands[:1])
        for label, part in zip(('clean', 'masked', name), drawn, strict=True):
            rows.append([Cell(image) for image in part])
            names.append(label)
        results.append(
            dict(
                name=name,
                source=model.source,
                size=size,
                mask_patch_size=patch,
                mask_ratio=ratio,
                relative_error=relative_error(clean, masked, filled).item(),
                amplitudes={
                    label: amplitudes(part).tolist()
                    for label, part in zip(
                        ('clean', 'masked', 'reconstructed'),
                        (clean, masked, filled),
                        strict=True,
                    )
                },
            )
        )
    colors = _caption(images, models)
    save_figure(
        out,
        'reconstruction',
        draw_grid(rows, row_names=names, cell=1.8, caption=colors),
    )
    save_figure(out, 'reconstruction_spectrum', plot_spectra(results))
    summary = dict(
        data=data,
        cfg_options=list(cfg_options),
        seed=seed,
        images=len(scored),
        colors=colors or None,
        models=results,
    )
    write_json(out, 'reconstruction', summary)
    return summary


class Model(NamedTuple):
    """Hold the whole model of a training, and how that made its inputs.

    Attributes:
        source: File it is from.
        network: With its weights, in evaluation mode.
        size: Of its views, pixels.
        patch: Edge of the masked patches, pixels.
        ratio: Their share.
        bands: Number of its input.
        reader: See `find_reader`.
    """

    source: str
    network: Any
    size: int
    patch: int
    ratio: float
    bands: int = 3
    reader: LoadImageFromFile | None = None


def _caption(images: ImageSet, models: Sequence[tuple[str, Model]]) -> str:
    """Say which bands are seen; of floats all rows are stretched as the clean ones."""
    said = images.caption()
    stretched = said and any(model.reader is not None for _, model in models)
    return said.partition(', 2nd')[0] + STRETCHED if stretched else said


def load_model(source: str, trust: bool = False) -> Model:
    """Build the whole model of a training of CMID, with its weights.

    Raises:
        UserError: If the file is of another method, or lacks its config.
    """
    file = Checkpoint.load(source, trust=trust)
    config = config_values(file.meta.get('cfg'))
    model = config.get('model')
    if not isinstance(model, dict) or 'reconstruction' not in model:
        raise UserError(
            f"expected a training of CMID with its config in '{source}', which seems "
            f'to be {file}: only that reconstructs images.'
        )
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        preprocessor = model.get('data_preprocessor') or config.get('data_preprocessor')
        built = MODELS.build(model | dict(data_preprocessor=preprocessor))
    dataset = (config.get('train_dataloader') or {}).get('dataset')
    reader, _ = find_reader(find_card(file), dataset)
    is_rgb = any((preprocessor or {}).get(key) for key in ('to_rgb', 'bgr_to_rgb'))
    if not (is_rgb or reader):
        raise UserError(
            f"expected a model of red, green and blue in '{source}', or a data set "
            f'with its reflectance; its config has neither: {preprocessor}.'
        )
    load_whole_model(built, file)
    built.eval()
    views = find_config_of(VIEWS, config.get('train_dataloader')) or {}
    size = views.get('size') or 224
    patch, ratio = views.get('mask_patch_size') or 32, views.get('mask_ratio')
    return Model(
        source,
        built,
        int(size),
        int(patch),
        0.6 if ratio is None else float(ratio),
        len(built.data_preprocessor.mean),
        reader,
    )


def reconstruct(
    model: Any, pixels: Sequence[np.ndarray], masks: NDArray[np.uint8]
) -> tuple[Tensor, Tensor, Tensor]:
    """Mask images and let a model complete them.

    Args:
        model: Of CMID.
        pixels: N images, each (H, W, 3), uint8.
        masks: Shape (N, h, w), 1 where masked.

    Returns:
        Clean, masked and completed images, each (N, 3, H, W), normalized.
    """
    statistics = model.data_preprocessor
    inputs = torch.from_numpy(np.stack(list(pixels))).permute(0, 3, 1, 2).float()
    inputs = (inputs - statistics.mean) / statistics.std
    hidden = torch.from_numpy(masks)
    samples = BaseDataElement(
        masks=hidden[:, None], positions=torch.zeros(len(hidden), 1, 1, 1, 2)
    )
    with torch.no_grad():
        clean, masked, filled = model.reconstruct([inputs], samples)
    return clean, masked, filled


def amplitudes(images: Tensor) -> Tensor:
    """Compute the mean amplitude of rings of equal frequency.

    Args:
        images: Shape (N, C, H, W).

    Returns:
        Shape (R,), R half of the shorter side: ring r holds the frequencies that round
        to r cycles per that side. Of the orthonormal transform, in the images' unit.
    """
    height, width = images.shape[2:]
    side = min(height, width)
    spectrum = torch.fft.fft2(images.double(), norm='ortho').abs().mean(dim=(0, 1))
    down, across = (torch.fft.fftfreq(n).abs() * side for n in (height, width))
    ring = (down[:, None].square() + across.square()).sqrt().round().long()
    rings = side // 2
    inside = ring < rings
    sums = torch.zeros(rings, dtype=torch.float64)
    sums.index_add_(0, ring[inside], spectrum[inside])
    return sums / torch.bincount(ring[inside], minlength=rings)


def find_config_of(kind: str, values: Any) -> dict[str, Any] | None:
    """Return the first dictionary of a type anywhere in a config; None without."""
    if isinstance(values, Mapping):
        if values.get('type') == kind:
            return dict(values)
        values = list(values.values())
    if isinstance(values, list | tuple):
        for value in values:
            if found := find_config_of(kind, value):
                return found
    return None
