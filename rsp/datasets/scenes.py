"""Read windows of georeferenced scenes while training."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from functools import partial
from random import Random
from types import SimpleNamespace
from typing import Any

import numpy as np
from mmcv.transforms import Compose
from mmengine.dist import barrier, is_distributed, is_main_process
from mmengine.logging import print_log
from torch.utils.data import Dataset

from rsp.datasets.broken_files import BadImages, name_item
from rsp.datasets.samplers.fixed_windows import FixedWindows
from rsp.datasets.samplers.protocol import BatchShape, SampleIndex
from rsp.datasets.samplers.random_windows import RandomWindowSampler
from rsp.datasets.samplers.window_query import WindowQuery
from rsp.datasets.sampling_stats import SamplingStats
from rsp.datasets.seeding import item_seed, states_kept
from rsp.datasets.transforms.value_range import (
    refuse_color_transforms,
    refuse_eight_bit_transforms,
)
from rsp.datasets.window_fractions import WindowFractions
from rsp.errors import UserError
from rsp.geo.rejection import RejectionConfig
from rsp.ops.fractions import GEOKR_CLASSES, class_fractions, output_names
from rsp.registry import DATA_SAMPLERS, DATASETS

# Windows that are drawn in place of one that cannot be read.
ATTEMPTS = 1000
REASONS = ('no-data', 'dark', 'contrast', 'cloud', 'no land cover')


@DATASETS.register_module()
class SceneDataset(Dataset):
    """Read windows of a folder of GeoTIFF, COG or JPEG 2000 scenes of any size.

    Nothing is cut beforehand: an index of the folder is made once and kept (see
    `rsp.geo.scene_index`), windows are read when they are needed. Which ones, a sampler
    of ``windows`` says: ``rsp.RandomWindowSampler``, even over the valid pixels of all
    scenes, ``rsp.GridWindowSampler`` or ``rsp.LabeledWindowSampler``.

    A random window that is rejected is drawn again from the same scene; ``stats`` tells
    how often, for ``rsp.SceneReportHook``. With ``rsp.PairedSampler`` in the data
    loader, all follows from (seed, epoch, item), whatever the number of workers.

    Args:
        data_root: Folder of scenes (with sub-folders), a pattern, or a list of files or
            of URLs that GDAL opens; give these an ``index``, which else is made at
            every start.
        windows: Config of a sampler of windows, by default random ones; or just their
            size, an edge or (height, width) in pixels.
        bands: Band numbers from 1, as GDAL counts, in the order in which the model gets
            them; or names that each scene's own bands are searched for, such as
            ``'red'``, ``'nir'``, ``'B8A'`` or ``'VV'``; None for all but alpha. Three
            bands come as BGR, see ``img``. Or arguments of
            `rsp.geo.bands.choice.BandChoice`: ``names`` and how files of one band each
            are stacked.
        stretch: To 8 bits, arguments of `rsp.geo.radiometry.Stretch`; None takes 8-bit
            scenes as they are.
        reflectance: To floats instead, arguments of `rsp.geo.radiometry.Reflectance`.
        rejection: Of random windows, arguments of `rsp.geo.rejection.RejectionConfig`;
            ``dict(rules=True)`` adds the published rules to its bound of no-data.
        land_cover: Arguments of `rsp.geo.land_cover.zonal.LandCover`, for class
            fractions by each window's own footprint.
        classes: Of the fractions, names or groups of names; None for GeoKR's eight.
        index: File of the index; None for one in the folder.
        reader: Arguments of `rsp.geo.windows.reader.WindowReader`.
        pipeline: Transforms.
        metainfo: Further meta information.
        bad_images: ``on_bad_image`` and ``max_bad_share`` as of ``rsp.ImageFolder``;
            another window takes the place of a bad one, and its scene is listed.

    Attributes:
        metainfo: With ``bands`` as chosen, and per band, in this order, ``band_names``,
            ``wavelengths`` (nm), ``scales`` and ``offsets``; None where unknown, or
            not the same in all scenes.

    Item:
        What the pipeline makes of ``img`` (H, W, C), uint8 or float32, BGR if C is 3;
        ``img_path``; ``window`` (top, left, height, width); ``ori_shape``,
        ``img_shape``; ``gt_score`` (C,), float32, with land cover or labels.

    Raises:
        MissingData: If the folder or the label file is missing.
        UserError: If arguments and scenes do not fit, as the message tells.
    """

    def __init__(
        self,
        data_root: str | os.PathLike | Sequence[str],
        windows: dict | int | Sequence[int] = 256,
        bands: Sequence[int | str] | dict | None = None,
        stretch: dict | None = {},  # noqa: B006  not modified
        reflectance: dict | None = None,
        rejection: dict | None = None,
        land_cover: dict | None = None,
        classes: Sequence | None = None,
        index: str | os.PathLike | None = None,
        reader: dict | None = None,
        pipeline: Sequence[dict] = (),
        metainfo: dict | None = None,
        **bad_images: Any,
    ) -> None:
        self.bad_images = BadImages(**bad_images)
        geo = _import_geo()
        choice = geo.BandChoice.of(bands)
        build = partial(geo.SceneIndex.build, choice=choice)
        found = self._select(_index_once(build, data_root, index), windows)
        self.sampler = _build_sampler(windows, found)
        self.images = geo.SceneImages(
            self.sampler.index, choice, stretch, reflectance, reader
        )
        self.rejection = self._make_rejection(rejection)
        if self.sampler.is_labeled and land_cover is not None:
            raise UserError(
                "expected labels or 'land_cover', got both; drop one of them."
            )
        is_labeled = self.sampler.is_labeled or land_cover is not None
        self.classes = GEOKR_CLASSES if classes is None else classes
        self.fractions = None
        if land_cover is not None:
            self.fractions = WindowFractions(
                self.images.scenes, self.classes, **land_cover
            )
        self.stats = SamplingStats(('windows', *REASONS, 'kept'))
        if reflectance is not None:
            refuse_eight_bit_transforms(pipeline, "the floats of 'reflectance'")
        elif len(self.images.chosen[0]) != 3:
            refuse_color_transforms(pipeline, f'{len(self.images.chosen[0])} bands')
        self.pipeline = Compose([*pipeline])
        self.metainfo = self.images.band_info()
        if self.images.resolutions:
            self.metainfo['pixel_size'] = float(np.median(self.images.resolutions))
        self.metainfo |= metainfo or {}
        if is_labeled or classes is not None:
            self.metainfo.setdefault('classes', tuple(output_names(self.classes)))
        for line in (
            found.describe(),
            self.sampler.index.describe_left_out(),
            self.images.describe_differing(),
        ):
            if line and is_main_process():
                print_log(f'{type(self).__name__}: {line}.', logger='current')
        if is_main_process():
            _tell_notes(self.images.scenes)

    def __len__(self) -> int:
        """Count the windows of an epoch, or of the list."""
        return len(self.sampler)

    def full_init(self) -> None:
        """Do nothing: mmengine's loops call it, but all is loaded already."""

    @property
    def num_files(self) -> int:
        """Count the scenes."""
        return len(self.images.scenes)

    @property
    def is_batched(self) -> bool:
        """True if the windows of an epoch are drawn batch by batch."""
        return self.sampler.is_batched

    def sample_indices(
        self,
        rng: np.random.Generator,
        batch: BatchShape | None = None,
        num_items: int | None = None,
        per_item: int = 1,
    ) -> np.ndarray:
        """Draw the windows of an epoch, see `SampleSource.sample_indices`."""
        return self.sampler.sample_indices(rng, batch, num_items, per_item)

    def prefetch(self, indices: Sequence[int]) -> None:
        """Begin to read the windows that will be asked for next."""
        self.images.reader.prefetch(
            [self.images.region(q.scene, q.region) for q in self.sampler.plan(indices)]
        )

    def __getitems__(self, samples: Sequence[SampleIndex | int]) -> list[Any]:
        """Load a batch, prefetching."""
        numbers = [s.indices[0] if isinstance(s, SampleIndex) else s for s in samples]
        self.prefetch(numbers)
        with states_kept():
            return [self[sample] for sample in samples]

    def __getitem__(self, sample: SampleIndex | int) -> Any:
        """Load a window.

        Args:
            sample: Of ``rsp.PairedSampler``; or the number of a window.
        """
        if not isinstance(sample, SampleIndex):
            return self._transform(self.get_data_info(sample))
        results = self._load(sample.indices[0], sample.seed)
        # Transforms draw from global generators, whose seeds take their time.
        if not self.pipeline.transforms:
            return results
        with item_seed(sample.seed):
            return self._transform(results)

    def get_data_info(self, number: int) -> dict[str, Any]:
        """Read a window, before the pipeline.

        What is random about it follows from NumPy's global generator.
        """
        return self._load(int(number), int(np.random.randint(2**32)))

    def _select(self, found: Any, windows: dict | int | Sequence[int]) -> Any:
        """Return the index of the scenes to take; here all of them."""
        return found

    def _make_rejection(self, given: dict | None) -> RejectionConfig | None:
        if self.sampler.is_batched:
            return RejectionConfig(**(given or {}))
        if given is not None:
            raise UserError(
                "expected random windows for 'rejection', got those of "
                f'{type(self.sampler).__name__}; drop one of them.'
            )
        return None

    def _load(self, number: int, seed: int) -> dict[str, Any]:
        """Read a window; where bad ones are skipped, another one in place of such."""
        rng = Random(seed)
        for _ in range(ATTEMPTS):
            try:
                return self._read_accepted(number, rng)
            except UserError as error:
                self.bad_images.add(error, self.num_files)
                number = self.sampler.another(number, rng)
        raise UserError(
            f'expected a window that can be read, got none of {ATTEMPTS}; repair or '
            'remove the scenes that are logged.'
        )

    def _read_accepted(self, number: int, rng: Random) -> dict[str, Any]:
        """Read a window that is not rejected, or the last one tried."""
        query = self.sampler.draw(number, rng)
        results, reason = self._read(query)
        if self.rejection is None:
            return results
        for _ in range(self.rejection.retries):
            if reason is None:
                return results
            query = self.sampler.redraw(query, rng)
            results, reason = self._read(query)
        if reason is not None:
            self.stats.add('kept')
            if self.fractions is not None and 'gt_score' not in results:
                self._label(query, results)
            if reason == 'no-data' and 'gt_score' in results:
                # What has no pixels has no label either: zeros, which weigh nothing.
                results['gt_score'] = np.zeros_like(results['gt_score'])
        return results

    def _read(self, query: WindowQuery) -> tuple[dict[str, Any], str | None]:
        """Read a window; return why it is rejected, too, or None."""
        try:
            results, nodata = self.images.sample(*query[:3])
        except UserError as error:
            index = self.sampler.index
            path = index.path_of(self.images.scenes[query.scene])
            error.bad_file = path  # type: ignore[attr-defined]
            raise
        self.stats.add('windows')
        reason = self._reject(query, results['img'], nodata)
        if reason is None:
            reason = self._label(query, results)
        if reason is not None:
            self.stats.add(reason)
        return results, reason

    def _reject(
        self, query: WindowQuery, image: np.ndarray, nodata: float
    ) -> str | None:
        if self.rejection is None:
            return None
        if nodata > self.rejection.max_nodata:
            return 'no-data'
        if self.rejection.quality is None:
            return None
        if image.dtype != np.uint8:
            image = self.images.eight_bits(query.scene, query.window)
        return self.rejection.quality.reason(image)

    def _label(self, query: WindowQuery, results: dict[str, Any]) -> str | None:
        """Add the class fractions; reject a window of which too little is known."""
        if query.counts is not None:
            fractions = class_fractions(query.counts, self.classes)
            results['gt_score'] = fractions.astype(np.float32)
        elif self.fractions is not None:
            results['gt_score'], coverage = self.fractions(query.scene, query.window)
            if self.rejection and coverage < self.rejection.min_coverage:
                return 'no land cover'
        return None

    def _transform(self, results: dict[str, Any]) -> Any:
        item = f"{results['window']} of '{results['img_path']}'"
        with name_item(item):
            data = self.pipeline(results)
        if data is None:
            raise UserError(
                f'cannot transform {item}: the pipeline returned nothing; check it.'
            )
        return data


def _build_sampler(
    windows: dict | int | Sequence[int], index: Any
) -> RandomWindowSampler | FixedWindows:
    config = windows if isinstance(windows, dict) else dict(size=windows)
    default = dict(type='rsp.RandomWindowSampler')
    return DATA_SAMPLERS.build(default | config, default_args=dict(index=index))


def _import_geo() -> Any:
    """Import what needs the extra ``geo``, which `import rsp` must not."""
    try:
        from rsp.geo.bands.choice import BandChoice
        from rsp.geo.scene_images import SceneImages
        from rsp.geo.scene_index import SceneIndex
    except ModuleNotFoundError as error:
        raise UserError(
            f'expected {error.name} for rsp.SceneDataset, it is not installed; pip '
            "install 'rsp-pretrain[geo]'."
        ) from error
    return SimpleNamespace(
        BandChoice=BandChoice, SceneImages=SceneImages, SceneIndex=SceneIndex
    )


def _tell_notes(scenes: Sequence[Any]) -> None:
    """Tell how scenes are stored, warn of ground that is there twice, name series."""
    from rsp.geo.files.storage_notes import storage_notes
    from rsp.geo.overlaps import repeats_of_scenes

    for line in storage_notes(scenes):
        print_log(line, logger='current', level=logging.WARNING)
    repeats = repeats_of_scenes(scenes)
    level = logging.WARNING if repeats.twice else logging.INFO
    for line in repeats.sentences():
        print_log(line, logger='current', level=level)


def _index_once(make: Callable, data_root: Any, cache: Any) -> Any:
    """Let the first process look at the files, and the others read what it wrote."""
    try:
        if is_main_process():
            return make(data_root, cache)
    finally:
        # Also after an error: the others would wait for ever.
        if is_distributed():
            barrier()
    return make(data_root, cache)
