"""Windows of georeferenced scenes, drawn while training."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from mmcv.transforms import Compose
from mmengine.dist import barrier, is_distributed, is_main_process
from mmengine.logging import print_log
from torch.utils.data import Dataset

from rsp.datasets.broken_files import name_item
from rsp.datasets.paired import Draw
from rsp.datasets.random_windows import RandomWindows, Rules
from rsp.datasets.scene_arguments import check_arguments, pair
from rsp.datasets.scene_windows import ListedWindows, grid_windows, labelled_windows
from rsp.datasets.seeding import item_seed
from rsp.datasets.window_counts import WindowCounts
from rsp.datasets.window_fractions import WindowFractions
from rsp.errors import UserError
from rsp.ops.fractions import GEOKR_CLASSES, output_names
from rsp.registry import DATASETS

REASONS = ('no-data', 'dark', 'contrast', 'cloud', 'no land cover')


@DATASETS.register_module()
class SceneDataset(Dataset):
    """Windows of a folder of GeoTIFF, COG or JPEG 2000 scenes of any size.

    Nothing is cut beforehand: an index of the folder is made once and kept (see
    `rsp.geo.scene_index`), windows are read when they are needed.

    ``mode='random'``: places are spread evenly over the valid pixels of all scenes, not
    over files; a window has its place in the middle, shifted inside at borders. A
    window that is empty, dark, flat or clouded is drawn again from the same scene, at
    most ``retries`` times, then kept; ``counts`` tells how often, for
    ``rsp.SceneReportHook``. With ``rsp.PairedSampler``, all follows from (seed, epoch,
    item), whatever the number of workers. ``mode='grid'``: windows that cover every
    pixel, for evaluation. ``labels``: the windows of a label file, neither more nor
    less; only those of scenes without any data are left out.

    Args:
        data_root: Folder of scenes (with sub-folders), a pattern, or a list of files.
        window: Edge, or height and width, of windows in pixels.
        bands: Band numbers from 1, in the order in which the model gets them; None for
            all. Three bands come as BGR, see ``img``.
        stretch: To 8 bits, arguments of `rsp.geo.radiometry.Stretch`; None takes 8-bit
            scenes as they are.
        reflectance: To floats instead, arguments of `rsp.geo.radiometry.Reflectance`.
        mode: ``'random'`` or ``'grid'``.
        length: Random windows per epoch; None for as many as would fill the valid area.
        stride: Of the grid, edge or height and width; None for that of the window.
        max_nodata: Largest share of pixels without data; None for 0.1 of random windows
            and for no bound in a grid.
        reject: Rules for random windows, arguments of `rsp.geo.rejection.Rejection`, or
            True for the published ones; None for none but ``max_nodata``.
        retries: How often a rejected window is drawn again.
        align: Whether random windows begin where blocks of the file do, so that nothing
            is decoded in vain; views cropped from them still begin anywhere.
        windows_per_read: Random windows that are cut from one read of whole blocks of a
            compressed file; they come in the same batch.
        max_per_scene: Windows of one scene in a batch over all processes, at most; for
            contrastive methods. Larger scenes are then drawn less than their area.
        land_cover: ``rasters`` and ``class_map`` of
            `rsp.geo.land_cover.zonal.LandCover`, for fractions by
            each window's own footprint; ``min_coverage`` rejects random
            windows of which less is known.
        labels: Label file of ``make_land_cover_labels.py``.
        classes: Of the fractions, names or groups of names; None for GeoKR's eight.
        views: Two boxes in each window that share ground, arguments of
            ``rsp.SampleOverlappingBoxes``.
        index: File of the index; None for one in the folder.
        max_open: Files held open per reading thread.
        read_threads: Threads per process that read ahead in a batch.
        cache_mb: Bound of the pixels kept per process, in MiB.
        pipeline: Transforms.
        metainfo: Further meta information.

    Item:
        What the pipeline makes of ``img`` (H, W, C), uint8 or float32, BGR if C is 3;
        ``img_path``; ``window`` (top, left, height, width); ``ori_shape``,
        ``img_shape``; ``gt_score`` (C,), float32, with land cover; ``view_boxes``.

    Raises:
        FileNotFoundError: If the folder or the label file is missing.
        ValueError: If arguments and scenes do not fit, as the message tells.
    """

    def __init__(
        self,
        data_root: str | os.PathLike | Sequence[str],
        window: int | tuple[int, int] = 256,
        bands: Sequence[int] | None = None,
        stretch: dict | None = {},  # noqa: B006  not modified
        reflectance: dict | None = None,
        mode: str = 'random',
        length: int | None = None,
        stride: int | tuple[int, int] | None = None,
        max_nodata: float | None = None,
        reject: dict | bool | None = None,
        retries: int = 10,
        align: bool = False,
        windows_per_read: int = 1,
        max_per_scene: int | None = None,
        land_cover: dict | None = None,
        labels: str | os.PathLike | None = None,
        classes: Sequence | None = None,
        views: dict | None = None,
        index: str | os.PathLike | None = None,
        max_open: int = 64,
        read_threads: int = 2,
        cache_mb: int = 128,
        pipeline: Sequence[dict] = (),
        metainfo: dict | None = None,
    ) -> None:
        geo = _import_geo()
        self.size = pair('window', window)
        is_random = mode == 'random' and labels is None
        check_arguments(locals(), is_random)
        found = _index_once(geo.SceneIndex.of, data_root, index)
        self.images = geo.SceneImages(
            found,
            (1, 1) if labels is not None else self.size,
            bands,
            None if stretch is None or reflectance else geo.Stretch(**stretch),
            None if reflectance is None else geo.Reflectance(**reflectance),
            geo.WindowReader(max_open, read_threads, cache_mb * 2**20),
        )
        self.counts = WindowCounts(('windows', *REASONS, 'kept'))
        if land_cover or labels:
            classes = GEOKR_CLASSES if classes is None else classes
        cover, min_coverage = None, 0.0
        if land_cover is not None:
            assert classes is not None
            land_cover = dict(land_cover)
            min_coverage = land_cover.pop('min_coverage', 0.0)
            cover = WindowFractions(self.images.scenes, classes, **land_cover)
        self.windows: RandomWindows | ListedWindows
        if is_random:
            rules = Rules(
                0.1 if max_nodata is None else max_nodata,
                geo.Rejection(**(reject if isinstance(reject, dict) else {}))
                if reject
                else None,
                min_coverage,
                retries,
            )
            self.windows = RandomWindows(
                self.images,
                self.size,
                length,
                rules,
                align,
                windows_per_read,
                max_per_scene,
                cover,
                self.counts,
            )
        else:
            scenes = self.images.scenes
            if labels is not None:
                assert classes is not None
                empty = self.images.left_out['all no-data']
                listed = labelled_windows(Path(labels), scenes, classes, {*empty})
            else:
                listed = grid_windows(
                    scenes,
                    self.size,
                    self.size if stride is None else pair('stride', stride),
                    1.0 if max_nodata is None else max_nodata,
                )
            self.windows = ListedWindows(self.images, listed, cover, self.counts)
        steps = (
            [] if views is None else [dict(type='rsp.SampleOverlappingBoxes', **views)]
        )
        self.pipeline = Compose([*steps, *pipeline])
        self.metainfo = dict(bands=self.images.bands) | (metainfo or {})
        if classes is not None:
            self.metainfo.setdefault('classes', tuple(output_names(classes)))
        for line in (found.describe(), self.images.describe_left_out()):
            if line and is_main_process():
                print_log(f'{type(self).__name__}: {line}.', logger='current')

    def __len__(self) -> int:
        """Windows of an epoch, or of the list."""
        return len(self.windows)

    def full_init(self) -> None:
        """Do nothing: all is there, but mmengine's loops ask."""

    @property
    def arranged(self) -> bool:
        """Whether the windows of an epoch are drawn batch by batch."""
        return self.windows.arranged

    def draw_images(
        self,
        slots: int,
        rng: np.random.Generator,
        batch: tuple[int, int] | None = None,
        ratio: int = 1,
    ) -> np.ndarray:
        """Numbers of random windows, see `RandomWindows.draw`."""
        assert isinstance(self.windows, RandomWindows)
        return self.windows.draw(slots, rng, batch, ratio)

    def draw_pairs(
        self, rng: np.random.Generator, batch: tuple[int, int] | None = None
    ) -> np.ndarray:
        """Numbers of an epoch's windows, shape (N, 1), for ``rsp.PairedSampler``."""
        if not self.arranged:
            return np.arange(len(self), dtype=np.int64)[:, None]
        return self.draw_images(len(self), rng, batch)[:, None]

    def ahead(self, numbers: Sequence[int]) -> None:
        """Begin to read the windows that will be asked for next."""
        self.images.reader.prefetch(self.windows.regions(numbers))

    def __getitems__(self, draws: Sequence[Draw | int]) -> list[Any]:
        """Load a batch, reading ahead."""
        self.ahead([d.images[0] if isinstance(d, Draw) else d for d in draws])
        return [self[draw] for draw in draws]

    def __getitem__(self, draw: Draw | int) -> Any:
        """Load a window.

        Args:
            draw: Of the sampler; or the number of a window.
        """
        if isinstance(draw, Draw):
            results = self.windows.load(draw.images[0], draw.seed)
            # Transforms draw from global generators, whose seeds take their time.
            if not self.pipeline.transforms:
                return results
            with item_seed(draw.seed):
                return self._transform(results)
        return self._transform(self.get_data_info(draw))

    def get_data_info(self, number: int) -> dict[str, Any]:
        """A window as it is read, before the pipeline.

        What is random about it follows from NumPy's global generator.
        """
        return self.windows.load(int(number), int(np.random.randint(2**32)))

    def _transform(self, results: dict[str, Any]) -> Any:
        item = f"{results['window']} of '{results['img_path']}'"
        with name_item(item):
            data = self.pipeline(results)
        if data is None:
            raise UserError(
                f'cannot transform {item}: the pipeline returned nothing; check it.'
            )
        return data


def _import_geo() -> SimpleNamespace:
    """What needs the extra ``geo``, which `import rsp` must not."""
    try:
        from rsp.geo.radiometry import Reflectance, Stretch
        from rsp.geo.rejection import Rejection
        from rsp.geo.scene_images import SceneImages
        from rsp.geo.scene_index import SceneIndex
        from rsp.geo.windows.reader import WindowReader
    except ModuleNotFoundError as error:
        raise UserError(
            f'expected {error.name} for rsp.SceneDataset, it is not installed; pip '
            "install 'rsp-pretrain[geo]'."
        ) from error
    return SimpleNamespace(
        Reflectance=Reflectance,
        Rejection=Rejection,
        SceneImages=SceneImages,
        SceneIndex=SceneIndex,
        Stretch=Stretch,
        WindowReader=WindowReader,
    )


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
