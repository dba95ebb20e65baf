"""List the images that backbones are compared on, with what is known of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from rsp.datasets.image_folder import EXTENSIONS, ImageFolder
from rsp.datasets.pixel_reading import loader_of
from rsp.datasets.transforms.load_image import LoadImageFromFile
from rsp.errors import MissingData, UserError, shorten
from rsp.io.files import files_below, folders_in

# Of a longer side, pixels: what a CPU maps in seconds.
LARGEST = 1024
TEST = ('test_dataloader', 'val_dataloader')
# Sub-folders of images, and of masks of the same names.
MASKED = (('images', 'masks'), ('img_dir', 'ann_dir'))


@dataclass
class ImageSet:
    """Hold a set of images; pixels are read when they are asked for.

    Attributes:
        paths: Of the files.
        classes: Names; empty if unknown.
        labels: Class of each image, shape (N,); None without.
        dataset: Of a config, which knows boxes and masks; None for a folder.
        reader: Reads files as the config says.
        masks: Of a folder: files whose pixels are objects where they are not black.
    """

    paths: list[str]
    classes: tuple[str, ...] = ()
    labels: np.ndarray | None = None
    dataset: Any = None
    reader: LoadImageFromFile = field(default_factory=LoadImageFromFile)
    masks: list[str] | None = None

    def __len__(self) -> int:
        return len(self.paths)

    def names(self, indices: Sequence[int] | None = None) -> list[str]:
        """Return the file names with their folders, as results call images."""
        chosen = range(len(self)) if indices is None else indices
        return ['/'.join(Path(self.paths[i]).parts[-2:]) for i in chosen]

    def pixels(self, index: int) -> np.ndarray:
        """Read an image, shape (H, W, 3), uint8, RGB."""
        return np.ascontiguousarray(self.reader.picture(self.paths[index]))

    def class_of(self, index: int) -> str:
        """Return the name of an image's class; empty if it has none."""
        if self.labels is None:
            return ''
        return str(self.classes[self.labels[index]])

    def inside(self, index: int, size: tuple[int, int]) -> np.ndarray | None:
        """Return where the objects of an image are.

        Args:
            index: Of the image.
            size: Height and width of the image, pixels.

        Returns:
            Shape (H, W), bool: inside of any box that is not to be ignored, or where a
            mask has a class other than the background; None if nothing is known.

        Raises:
            UserError: If the mask has no class of the background.
        """
        if self.masks is not None:
            return np.any(self.reader.picture(self.masks[index]), axis=2)
        if self.dataset is None:
            return None
        info = self.dataset.get_data_info(index)
        if info.get('seg_map_path'):
            return _of_mask(self.dataset, info)
        if 'instances' in info:
            return _of_boxes(info['instances'], size)
        return None

    def only(self, indices: Sequence[int]) -> 'ImageSet':
        """Return some of the images, with labels and without boxes and masks."""
        labels = None if self.labels is None else self.labels[list(indices)]
        paths = [self.paths[i] for i in indices]
        return ImageSet(paths, self.classes, labels, reader=self.reader)


def open_images(
    source: str, split: str = 'test', cfg_options: Sequence[str] = ()
) -> ImageSet:
    """List the images of a config or a folder.

    Args:
        source: A config of a task, or a folder: with ``train`` and ``val`` (or
            ``test``), each as follows; with a folder per class; with images alone; or
            with ``images`` and ``masks`` (or ``img_dir`` and ``ann_dir``).
        split: ``'train'`` or ``'test'``; a folder without splits is both.
        cfg_options: Overrides of a config, ``KEY=VALUE``, read and checked as in
            training and testing.

    Raises:
        MissingData: If there is no such folder or config.
        UserError: If there is no image in it, or an override leads nowhere or is given
            with a folder.
    """
    if source.endswith('.py'):
        return _of_config(source, split, cfg_options)
    if cfg_options:
        raise UserError(
            '--cfg-options overrides keys of a config, but --data is '
            f"'{source}'; leave it out, or give a config (.py)."
        )
    folder = Path(source).expanduser()
    if not folder.is_dir():
        raise MissingData(
            f"expected a folder of images or a config (.py) as --data, got '{source}', "
            'which does not exist.'
        )
    names = {entry.name: entry for entry in folders_in(folder)}
    wanted = ('train',) if split == 'train' else ('val', 'test')
    if 'train' in names and ('val' in names or 'test' in names):
        folder = next(names[name] for name in wanted if name in names)
        names = {entry.name: entry for entry in folders_in(folder)}
    for pictures, masks in MASKED:
        if pictures in names and masks in names:
            return _with_masks(names[pictures], names[masks])
    top = [f for f in folder.iterdir() if f.suffix.lower() in EXTENSIONS]
    if names and not top:
        return _of_dataset(ImageFolder(data_prefix=str(folder)))
    paths = [str(path) for path in files_below(folder, EXTENSIONS)]
    if not paths:
        known = ', '.join(EXTENSIONS)
        raise UserError(f"expected images ({known}) in '{folder}', found none.")
    return ImageSet(paths)


def _with_masks(pictures: Path, masks: Path) -> ImageSet:
    found = files_below(masks, EXTENSIONS)
    there = {f.relative_to(masks).with_suffix(''): str(f) for f in found}
    paths = [*files_below(pictures, EXTENSIONS)]
    names = [f.relative_to(pictures).with_suffix('') for f in paths]
    alone = [str(n) for n in names if n not in there]
    if alone or not paths:
        raise UserError(
            f"expected images in '{pictures}', each with a mask of its name in "
            f"'{masks}', got {len(paths)}, without a mask: {shorten(alone) or 'none'}."
        )
    return ImageSet([*map(str, paths)], masks=[there[n] for n in names])


def has_splits(source: str) -> bool:
    """Tell whether training images are other ones than those to test on."""
    if source.endswith('.py'):
        return True
    return {'train'} < {entry.name for entry in folders_in(Path(source).expanduser())}


def resize(pixels: np.ndarray, size: int | None, square: bool = False) -> np.ndarray:
    """Scale an image, and cut out its center where all have to be of one size.

    Args:
        pixels: Shape (H, W, 3).
        size: Of the shorter side; None leaves it, but for sides above `LARGEST`.
        square: Whether to cut out the square in its middle.
    """
    height, width = pixels.shape[:2]
    factor = size / min(height, width) if size else min(1, LARGEST / max(height, width))
    if factor != 1:
        new = max(1, round(width * factor)), max(1, round(height * factor))
        way = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
        pixels = cv2.resize(pixels, new, interpolation=way)
    if square:
        height, width = pixels.shape[:2]
        side = min(height, width)
        top, left = (height - side) // 2, (width - side) // 2
        pixels = pixels[top : top + side, left : left + side]
    return np.ascontiguousarray(pixels)


def _of_config(source: str, split: str, cfg_options: Sequence[str]) -> ImageSet:
    from mmengine.registry import DATASETS, DefaultScope

    from rsp.engine.cfg_options import parse_options
    from rsp.engine.train import load_config
    from rsp.engine.wrong_config import explain_builds, refuse_wrong_settings

    cfg = load_config(source, None, 'none', parse_options(cfg_options))
    if cfg.get('model') is not None:
        # A config of data alone is no run, and refused as one.
        refuse_wrong_settings(cfg)
    explain_builds(cfg)
    loaders = [cfg[name] for name in TEST if cfg.get(name)]
    if split == 'train':
        probe = (cfg.get('test_cfg') or {}).get('train_dataloader')
        loaders = [x for x in (probe, cfg.get('train_dataloader')) if x]
    if not loaders:
        raise UserError(
            f"expected a {split} data set in '{source}', which has none; configs of "
            'tasks are in configs/downstream.'
        )
    with DefaultScope.overwrite_default_scope(cfg.get('default_scope', 'mmpretrain')):
        dataset = DATASETS.build(loaders[0]['dataset'])
    while hasattr(dataset, 'dataset'):
        dataset = dataset.dataset
    return _of_dataset(dataset)


def _of_dataset(dataset: Any) -> ImageSet:
    dataset.full_init()
    infos = [dataset.get_data_info(index) for index in range(len(dataset))]
    if not infos or 'img_path' not in infos[0]:
        raise UserError(
            'expected a data set of images, each with its path, got '
            f'{type(dataset).__name__}; give a folder of the images.'
        )
    labels = None
    if isinstance(infos[0].get('gt_label'), int | np.integer):
        labels = np.array([int(info['gt_label']) for info in infos])
    return ImageSet(
        [info['img_path'] for info in infos],
        tuple(dataset.metainfo.get('classes') or ()),
        labels,
        dataset,
        loader_of(dataset) or LoadImageFromFile(),
    )


def _of_boxes(instances: Sequence[Mapping], size: tuple[int, int]) -> np.ndarray:
    inside = np.zeros(size, np.uint8)
    for instance in instances:
        if instance.get('ignore_flag'):
            continue
        box = np.asarray(instance['bbox'], np.float64)
        if len(box) == 4:
            box = box[[0, 1, 2, 1, 2, 3, 0, 3]]
        # Corners; the color of a pixel is that of its center.
        cv2.fillPoly(inside, [np.round(box.reshape(-1, 2)).astype(np.int32)], 1)
    return inside.astype(bool)


def _of_mask(dataset: Any, info: dict[str, Any]) -> np.ndarray:
    steps = dataset.pipeline.transforms
    loads = [step for step in steps if type(step).__name__.endswith('Annotations')]
    if not loads:
        raise UserError(
            f'the pipeline of {type(dataset).__name__} does not load its masks; give '
            'a config whose test pipeline does.'
        )
    info.setdefault('seg_fields', [])
    mask = loads[0](info)['gt_seg_map']
    classes = [str(name).lower() for name in dataset.metainfo.get('classes') or ()]
    if 'background' not in classes:
        raise UserError(
            "expected masks with a class 'background', to tell objects from the rest, "
            f'got {classes}; a score inside of objects needs one.'
        )
    return np.asarray((mask != classes.index('background')) & (mask != 255))


def batches(
    images: ImageSet, size: int | None, batch_size: int = 64
) -> list[list[np.ndarray]]:
    """Read all images as squares of one size, in lists of at most `batch_size`.

    Args:
        images: To read.
        size: Of the squares, pixels; None for the size of the images if they are all
            of one, else 224.
        batch_size: Of a list.
    """
    first = images.pixels(0).shape[:2]
    read = [images.pixels(i) for i in range(len(images))]
    if size is None:
        same = all(pixels.shape[:2] == first for pixels in read)
        size = min(first) if same and max(first) <= LARGEST else 224
    read = [resize(pixels, size, square=True) for pixels in read]
    return [read[i : i + batch_size] for i in range(0, len(read), batch_size)]


def stage_features(
    encoder: Any, images: ImageSet, size: int | None, places: Sequence[str]
) -> dict[str, torch.Tensor]:
    """Compute the mean of each map over its positions, per image.

    Args:
        encoder: A `rsp.evaluation.analysis.backbones.Encoder`.
        images: N images.
        size: See `batches`.
        places: Of the maps, such as ``'stage4'``.

    Returns:
        By place, shape (N, C), float32.

    Raises:
        UserError: If a feature is not finite.
    """
    found: dict[str, list[torch.Tensor]] = {place: [] for place in places}
    with torch.no_grad():
        for pixels in batches(images, size):
            maps = encoder.maps(encoder.prepare(pixels))
            for place in places:
                found[place].append(maps[place].mean(dim=(2, 3)))
    features = {place: torch.cat(parts).float() for place, parts in found.items()}
    for place, values in features.items():
        if not values.isfinite().all():
            raise UserError(
                f"features of '{encoder.source}' at {place} hold NaN or infinity; its "
                'training diverged, take an earlier checkpoint.'
            )
    return features
