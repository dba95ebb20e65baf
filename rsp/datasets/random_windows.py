"""Random windows of scenes, even over the valid area, drawn again where useless."""

import math
from collections.abc import Sequence
from random import Random
from typing import Any, NamedTuple

import numpy as np

from rsp.datasets.samplers.stratified import draw_batches
from rsp.datasets.window_counts import WindowCounts
from rsp.errors import UserError
from rsp.geo.windows.blocks import align_to_block, center_window, neighbors
from rsp.geo.windows.window import Window


class Rules(NamedTuple):
    """Which random windows are drawn again.

    Attributes:
        max_nodata: Largest share of pixels without data.
        rejection: The published rules, or None.
        min_coverage: Least share of the ground of which land cover is known.
        retries: How often a window is drawn again before it is kept.
    """

    max_nodata: float = 0.1
    rejection: Any = None
    min_coverage: float = 0.0
    retries: int = 10


class RandomWindows:
    """Windows drawn while training, by the number of a valid pixel.

    A window's number is ``len(self)`` and the place of its middle among the valid
    pixels of all scenes. Numbers below ``len(self)`` mean a part of the valid area, in
    which the place is drawn.

    Args:
        images: Of the scenes.
        size: Height and width of windows.
        length: Windows of an epoch; None for as many as would fill the valid area.
        rules: Which windows are drawn again.
        align: Whether windows begin where blocks do.
        together: Windows cut from one read of whole blocks.
        max_per_scene: Of a batch over all processes; None for no bound.
        cover: Gives class fractions and coverage of a window; None for none.
        counts: Counts what is read and rejected.
    """

    arranged = True

    def __init__(
        self,
        images: Any,
        size: tuple[int, int],
        length: int | None,
        rules: Rules,
        align: bool,
        together: int,
        max_per_scene: int | None,
        cover: Any,
        counts: WindowCounts,
    ) -> None:
        from rsp.geo.valid_area import ValidArea

        self.images, self.size, self.rules = images, size, rules
        self.align, self.together = align, together
        self.max_per_scene = max_per_scene
        self.cover, self.counts = cover, counts
        self.area = ValidArea(images.scenes)
        self._planned: dict[int, tuple[int, Window]] = {}
        self.length = length or math.ceil(self.area.total / (size[0] * size[1]))

    def __len__(self) -> int:
        return self.length

    def draw(
        self,
        slots: int,
        rng: np.random.Generator,
        batch: tuple[int, int] | None = None,
        ratio: int = 1,
    ) -> np.ndarray:
        """Numbers of the windows of an epoch.

        Args:
            slots: How many, at least.
            rng: Of the epoch.
            batch: Items of a batch per process, and processes; None if not known.
            ratio: Windows per item.

        Returns:
            For whole batches: item by item, process after process, as samplers deal
            them out.

        Raises:
            ValueError: If the batch has to be known, or cannot be filled.
        """
        if batch is None and (self.max_per_scene or self.together > 1):
            raise UserError(
                "'max_per_scene' and 'windows_per_read' expect a sampler that knows "
                'the batch size; give batch_size to rsp.PairedSampler.'
            )
        items, processes = batch or (-(-slots // ratio), 1)
        if items * ratio % self.together:
            raise UserError(
                f"expected 'windows_per_read' to divide the {items * ratio} windows of "
                f'a batch, got {self.together}.'
            )
        reads = items * ratio // self.together
        batches = -(-slots // (items * ratio * processes))
        most = self.max_per_scene and self.max_per_scene // self.together
        try:
            shares = self.area.shares
            scenes = draw_batches(shares, batches, processes * reads, rng, most)
        except ValueError as error:
            raise UserError(
                f'{len(self.area.pixels)} scenes cannot fill a batch of '
                f'{items * ratio} windows on each of {processes} processes with '
                f'max_per_scene={self.max_per_scene}; raise it, lower the batch size, '
                'or add scenes.'
            ) from error
        within = (rng.random(scenes.shape) * self.area.pixels[scenes]).astype(np.int64)
        places = (self.area.starts[scenes] + within).reshape(batches, processes, reads)
        windows = places.repeat(self.together, axis=2)
        windows = windows.reshape(batches, processes, items, ratio)
        return windows.swapaxes(1, 2).ravel() + len(self)

    def regions(self, numbers: Sequence[int]) -> list[Any]:
        """What will be read for windows."""
        places = [number - len(self) for number in numbers if number >= len(self)]
        self._planned = {place: self._plan(place) for place in places}
        return [self._region(*planned) for planned in self._planned.values()]

    def load(self, number: int, seed: int) -> dict[str, Any]:
        """Read a window that passes the rules, or the last one tried.

        Args:
            number: See above.
            seed: Of what else is drawn.
        """
        if number < 0 or number - len(self) >= self.area.total:
            raise IndexError(f'window {number} of {len(self)}')
        rng = Random(seed)
        place = number - len(self)
        if place < 0:
            place = int((number + rng.random()) / len(self) * self.area.total)
        scene, window = self._planned.get(place) or self._plan(place)
        region = None
        if not self.images.is_raw(scene):
            region = self._region(scene, window)
        if self.together > 1:
            window = self._neighbor(scene, window, rng)
        for _ in range(self.rules.retries + 1):
            results, nodata = self.images.sample(scene, window, region)
            self.counts.add('windows')
            reason = self._reason(scene, results, nodata)
            if reason is None:
                return results
            self.counts.add(reason)
            # Of the same scene, so that the bound of the batch holds.
            first, pixels = self.area.starts[scene], self.area.pixels[scene]
            window = self._plan(int(first) + rng.randrange(int(pixels)))[1]
            region = None
        self.counts.add('kept')
        return results

    def _plan(self, place: int) -> tuple[int, Window]:
        """Scene and window of a place."""
        scene, row, column = self.area.place(place)
        facts = self.images.scenes[scene]
        if self.align:
            return scene, align_to_block(
                row, column, self.size, facts.block, facts.shape
            )
        return scene, center_window(row, column, self.size, facts.shape)

    def _region(self, scene: int, window: Window) -> Any:
        """What is read for a window."""
        if self.together == 1:
            return self.images.region(scene, window)
        return self.images.shared_region(scene, window)

    def _neighbor(self, scene: int, window: Window, rng: Random) -> Window:
        """Draw another window that begins in the same block."""
        facts = self.images.scenes[scene]
        tops, lefts = neighbors(window, facts.block, facts.shape)
        left = rng.choice(lefts)
        return Window(rng.choice(tops), left, *self.size)

    def _reason(self, scene: int, results: dict[str, Any], nodata: float) -> str | None:
        """Why a window is rejected, or None; adds its class fractions."""
        if nodata > self.rules.max_nodata:
            return 'no-data'
        if self.rules.rejection is not None:
            image = results['img']
            if image.dtype != np.uint8:
                image = self.images.eight_bits(scene, results['window'])
            reason = self.rules.rejection.reason(image)
            if reason is not None:
                return reason
        if self.cover is not None:
            results['gt_score'], coverage = self.cover(scene, results['window'])
            if coverage < self.rules.min_coverage:
                return 'no land cover'
        return None
