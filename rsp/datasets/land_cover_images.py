"""Load images with the shares of land cover under them, as GeoKR learns from."""

import logging
import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from mmengine.logging import print_log

from rsp.datasets.image_folder import ImageFolder
from rsp.datasets.listing import Samples
from rsp.errors import UserError, shorten
from rsp.geo.land_cover.label_file import NAME, PICTURE, read_labels
from rsp.io.stores import PackedNames
from rsp.io.text import load_json
from rsp.ops import check
from rsp.ops.fractions import (
    GEOKR_CLASSES,
    LAND_COVER_CLASSES,
    Classes,
    class_fractions,
    order_counts,
    output_names,
)
from rsp.registry import DATASETS


@DATASETS.register_module()
class LandCoverImages(ImageFolder):
    """Load image tiles, each with one soft label: its shares of land cover.

    Tiles are 8-bit images; three bands in tiled or deflated GeoTIFFs are read by mmcv's
    loader, ``rsp.LoadGeoTiff`` reads all others. Labels are either of ::

        labels.jsonl      of tools/dataset_tools/make_land_cover_labels.py over the
                          tiles, one window per file
        <labels>/<parent folder>/<stem>.json
                          the official ones: counts by the names of the classes, in the
                          official spelling

    An image without a label is left out; how many, and which, is logged.

    Yields ``img_path`` and ``gt_score``: float32, shape (C,), see
    `rsp.ops.fractions.class_fractions`.

    Args:
        labels: Label file, or the folder of one, or a folder of official labels. Unlike
            ``ann_file`` not below ``data_root``.
        data_root: Folder of the images, searched with its sub-folders.
        classes: The C classes that are learnt, in the order of the output; each one of
            ``LAND_COVER_CLASSES`` or a group of them.
        ann_file: Official list file, a path of an image per line; empty: all images.
        zero_labels: What becomes of images that show none of the classes: ``'keep'``
            them, as published (all shares are 0, so only the teacher teaches there), or
            ``'drop'`` them.
        min_coverage: Images of which a smaller share has land cover are left out;
            official labels do not tell it.
        max_nodata: Images of which a larger share of pixels has no data are left out,
            where the label file tells it.
        kwargs: Further arguments of ``rsp.ImageFolder``, such as ``pipeline``.

    Raises:
        MissingData: If images or labels are missing altogether.
        UserError: If no image has a label, a label is damaged, or the label file holds
            several windows of one image.
    """

    def __init__(
        self,
        labels: str,
        data_root: str = '',
        classes: Classes = GEOKR_CLASSES,
        ann_file: str = '',
        zero_labels: str = 'keep',
        min_coverage: float = 0.0,
        max_nodata: float = 0.1,
        **kwargs: Any,
    ) -> None:
        check.one_of("'zero_labels'", zero_labels, ('keep', 'drop'))
        self.label_source = Path(labels)
        self.classes = classes
        self.zero_labels = zero_labels
        check.between("'max_nodata'", max_nodata, 0, 1)
        self.min_coverage, self.max_nodata = min_coverage, max_nodata
        kwargs['metainfo'] = dict(classes=output_names(classes)) | (
            kwargs.get('metainfo') or {}
        )
        super().__init__(
            data_root=data_root, ann_file=ann_file, with_label=False, **kwargs
        )

    def load_data_list(self) -> Any:
        """List the images that have a label, and their shares."""
        samples = super().load_data_list()
        # The tool may have written its results beside the images.
        drawn = self._below_folder(self.label_source / PICTURE)
        if drawn in samples.names:
            kept = [n for n, name in enumerate(samples.names) if name != drawn]
            samples = samples.take(kept)
        names = samples.names
        if self.ann_file:
            names = PackedNames.of(map(self._below, names))
        source = self.label_source
        official = source.is_dir() and not (source / NAME).is_file()
        counts, found = (self._read_official if official else self._read_file)(names)
        _tell(f"have no label in '{source}', left out", samples.names, ~found)
        if not found.any():
            raise UserError(
                f"expected labels of the images in '{self._folder()}' in '{source}', "
                f"found none; the first image is '{samples[0]['img_path']}'. Is it the "
                "folder that was labeled, and 'min_coverage' not too high?"
            )
        shares = class_fractions(counts[found], self.classes).astype(np.float32)
        samples = samples.take(np.flatnonzero(found)).with_columns(gt_score=shares)
        return self._treat_zeros(samples)

    def _treat_zeros(self, samples: Samples) -> Samples:
        zero = ~samples.columns['gt_score'].any(axis=1)
        drop = self.zero_labels == 'drop'
        done = 'left out' if drop else 'kept'
        _tell(f'show none of the classes, {done}', samples.names, zero)
        if zero.all():
            raise UserError(
                f"none of the {len(samples)} labeled images in '{self._folder()}' "
                "shows any of the 'classes'; add the classes that are there."
            )
        return samples.take(np.flatnonzero(~zero)) if drop and zero.any() else samples

    def _below(self, path: str) -> str:
        """Return a path relative to the folder of the images, as label files do."""
        return self._below_folder(Path(path)) if os.path.isabs(path) else path

    def _below_folder(self, file: Path) -> str:
        root = Path(self.img_prefix)
        return (
            file.relative_to(root) if file.is_relative_to(root) else file
        ).as_posix()

    def _read_file(self, names: PackedNames) -> tuple[np.ndarray, np.ndarray]:
        """Return the counts of each image, shape (N, 11), and whether it has any."""
        labels = read_labels(self.label_source)
        twice = [name for name, n in Counter(labels.images).items() if n > 1]
        moved = np.nonzero(labels.windows[:, :2].any(axis=1))[0]
        twice += [labels.images[row] for row in moved]
        if twice:
            raise UserError(
                f"expected one label of each whole image in '{self.label_source}', got "
                f'windows of larger scenes, such as {twice[0]}; use rsp.SceneDataset, '
                'or cut the scenes into tiles and label these without --crop-size.'
            )
        row_of = {name: row for row, name in enumerate(labels.images)}
        rows = np.fromiter((row_of.pop(n, -1) for n in names), np.int64, len(names))
        counted = f'{len(row_of)} of {len(labels.images)} labels'
        _warn(f'{counted} have no image, left out', [*islice(row_of, 6)])
        found = rows >= 0
        low = found & (labels.coverage[rows] < self.min_coverage)
        _tell(f'have land cover under less than {self.min_coverage}', names, low)
        empty = found & (1 - labels.valid[rows] > self.max_nodata)
        _tell(f'have more than {self.max_nodata:.0%} no-data', names, empty)
        return labels.counts[rows], found & ~low & ~empty

    def _read_official(self, names: PackedNames) -> tuple[np.ndarray, np.ndarray]:
        # Mostly waiting for the disk: a set of a million files is read by many threads.
        with ThreadPoolExecutor(16) as pool:
            found = [*pool.map(self._read_json, names)]
        counts = [np.zeros(len(LAND_COVER_CLASSES)) if c is None else c for c in found]
        return np.stack(counts), np.array([c is not None for c in found])

    def _read_json(self, image: str) -> np.ndarray | None:
        path = PurePosixPath(Path(self.img_prefix).as_posix(), image)
        file = self.label_source / path.parent.name / f'{path.stem}.json'
        try:
            text = file.read_bytes()
        except FileNotFoundError:
            return None
        try:
            return order_counts(load_json(text))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UserError(
                f"expected counts of the 11 classes by name in '{file}' "
                f'({type(error).__name__}: {error}); make it again or remove it.'
            ) from error


def _tell(what: str, names: PackedNames, which: Any) -> None:
    """Log how many of some images there are, and the first names; nothing if none."""
    rows = np.flatnonzero(which)
    some = [names[int(row)] for row in rows[:6]]
    _warn(f'{len(rows)} of {len(names)} images {what}', some)


def _warn(what: str, names: list[str]) -> None:
    if names:
        text = f'{what}: {shorten(names)}.'
        print_log(text, logger='current', level=logging.WARNING)
