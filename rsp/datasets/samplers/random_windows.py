"""Sample random windows, even over the valid area of scenes."""

import math
from collections.abc import Sequence
from random import Random
from typing import Any

import numpy as np

from rsp.datasets.samplers.protocol import BatchShape
from rsp.datasets.samplers.shared_reads import (
    CODES,
    most_of,
    parts_of,
    region_of,
    share_reads,
    windows_of,
)
from rsp.datasets.samplers.stratified import draw_batches
from rsp.datasets.samplers.window_query import WindowQuery, as_size
from rsp.errors import UserError
from rsp.geo.windows.blocks import (
    align_to_block,
    block_union,
    center_window,
    neighbors,
)
from rsp.geo.windows.window import Window
from rsp.ops import check
from rsp.registry import DATA_SAMPLERS


@DATA_SAMPLERS.register_module()
class RandomWindowSampler:
    """Draw windows whose centers are spread evenly over the valid pixels of scenes.

    Not over files: a scene twice as large has twice the windows. At the border of a
    scene a window is shifted inside. The epoch's windows are stratified over scenes,
    batch by batch.

    Windows of compressed scenes are as slow as decoding them. Where the batch is known,
    those of one scene that are among 32 items of a batch therefore lie in groups that
    share a read, see `rsp.datasets.samplers.shared_reads`: four that touch in a file of
    tiles, eight side by side in one of rows, without overlap. How many windows a batch
    has of each scene is as without; ``windows_per_read=1`` draws them one by one.

    A window's number is ``len(self)`` and the place of its center among the valid
    pixels of all scenes, plus a multiple of their number for those that share a read.
    Numbers below ``len(self)``, which any other sampler draws, mean a part of the valid
    area, in which the place is drawn.

    Args:
        index: Of scenes; those smaller than a window are left out.
        size: Edge, or height and width, of windows in pixels.
        length: Windows of an epoch; None for as many as would fill the valid area.
        max_per_scene: Windows of one scene in a batch over all processes, at most; for
            contrastive methods. Larger scenes are then drawn less than their area.
        align: Whether windows begin where blocks of the file do, so that nothing is
            decoded in vain; views cropped from them still begin anywhere.
        windows_per_read: None for what is told above; 1 for windows that are drawn one
            by one; more for windows that begin in the same block, of any kind of file,
            and overlap: the fastest, for few large scenes; they come in the same batch.

    Raises:
        UserError: If arguments contradict each other, or no scene has a window.
    """

    is_batched = True
    is_labeled = False

    def __init__(
        self,
        index: Any,
        size: int | Sequence[int] = 256,
        length: int | None = None,
        max_per_scene: int | None = None,
        align: bool = False,
        windows_per_read: int | None = None,
    ) -> None:
        from rsp.geo.valid_area import ValidArea

        if length is not None:
            check.at_least("'length'", length, 1)
        together = windows_per_read or 1
        if align and together > 1:
            raise UserError(
                "expected 'align' or 'windows_per_read', got both; drop one."
            )
        most = together if max_per_scene is None else max_per_scene
        check.between("'windows_per_read'", together, 1, most)
        self.size = as_size('size', size)
        self.index = index.select(self.size)
        self.align, self.windows_per_read = align, together
        self._most = np.ones(len(self.index.scenes), np.int64)
        if windows_per_read is None and not align:
            self._most[:] = [most_of(s, self.size) for s in self.index.scenes]
        self.max_per_scene = max_per_scene
        self.area = ValidArea(self.index.scenes)
        self.length = length or math.ceil(self.area.total / math.prod(self.size))
        self._planned: dict[int, WindowQuery] = {}

    def __len__(self) -> int:
        return self.length

    def sample_indices(
        self,
        rng: np.random.Generator,
        batch: BatchShape | None = None,
        num_items: int | None = None,
        per_item: int = 1,
    ) -> np.ndarray:
        """Draw the windows of an epoch, see `SampleSource.sample_indices`.

        Raises:
            UserError: If the batch has to be known, or cannot be filled.
        """
        together = self.windows_per_read
        if batch is None and (self.max_per_scene or together > 1):
            raise UserError(
                "'max_per_scene' and 'windows_per_read' expect a sampler that knows "
                'the batch size; set batch_sampler=dict(type='
                "'rsp.PairedBatchSampler') in the data loader."
            )
        num_items = len(self) if num_items is None else num_items
        items, processes = batch or BatchShape(num_items, 1)
        if items * per_item % together:
            raise UserError(
                f"expected 'windows_per_read' to divide the {items * per_item} windows "
                f'of a batch, got {together}.'
            )
        reads = items * per_item // together
        batches = -(-num_items // (items * processes))
        scenes = self._draw_scenes(batches, processes, reads, rng)
        within = (rng.random(scenes.shape) * self.area.pixels[scenes]).astype(np.int64)
        places = (self.area.starts[scenes] + within).repeat(together, axis=1)
        if batch is not None and self._most.max() > 1:
            places, codes = share_reads(scenes, places, self._most)
            places += codes * self.area.total
        return places.reshape(-1, per_item) + len(self)

    def _draw_scenes(
        self, batches: int, processes: int, reads: int, rng: np.random.Generator
    ) -> np.ndarray:
        most = self.max_per_scene and self.max_per_scene // self.windows_per_read
        try:
            return draw_batches(self.area.shares, batches, processes * reads, rng, most)
        except UserError as error:
            raise UserError(
                f'{len(self.area.pixels)} scenes cannot fill a batch of '
                f'{reads * self.windows_per_read} windows on each of {processes} '
                f'processes with max_per_scene={self.max_per_scene}; raise it, lower '
                'the batch size, or add scenes.'
            ) from error

    def plan(self, indices: Sequence[int]) -> list[WindowQuery]:
        """Return what will be read for windows that are drawn next."""
        self._planned = {i: self._window(i) for i in indices if i >= len(self)}
        return [*self._planned.values()]

    def draw(self, index: int, rng: Random) -> WindowQuery:
        """Draw a window by its number; what is random about it follows from ``rng``."""
        if not 0 <= index < len(self) + CODES * self.area.total:
            raise IndexError(f'window {index} of {len(self)}')
        if index < len(self):
            place = (index + rng.random()) / len(self) * self.area.total
            index = len(self) + int(place)
        query = self._planned.get(index) or self._window(index)
        if self.windows_per_read == 1:
            return query
        scene = self.index.scenes[query.scene]
        tops, lefts = neighbors(query.window, scene.block, scene.shape)
        left = rng.choice(lefts)
        return query._replace(window=Window(rng.choice(tops), left, *self.size))

    def redraw(self, query: WindowQuery, rng: Random) -> WindowQuery:
        """Draw another window of the same scene, so that a batch's bound holds."""
        first = int(self.area.starts[query.scene])
        within = rng.randrange(int(self.area.pixels[query.scene]))
        window = self._window(len(self) + first + within).window
        return query._replace(window=window, region=window)

    def another(self, index: int, rng: Random) -> int:
        """Draw the number of a window of any scene, in place of one."""
        return len(self) + rng.randrange(self.area.total)

    def _window(self, index: int) -> WindowQuery:
        code, place = divmod(index - len(self), self.area.total)
        number, row, column = self.area.place(place)
        scene = self.index.scenes[number]
        if self.align:
            window = align_to_block(row, column, self.size, scene.block, scene.shape)
        else:
            window = center_window(row, column, self.size, scene.shape)
        region = window
        if code:
            count, part = parts_of(code)
            windows = windows_of(window, count, scene)
            window, region = windows[part], region_of(windows, part, scene)
        if self.windows_per_read > 1:
            region = block_union(window, scene.block, scene.shape)
        return WindowQuery(number, window, region)
