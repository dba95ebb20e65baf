"""Read windows of scenes at two dates, as positives of a contrast."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

from mmengine.dist import is_main_process
from mmengine.logging import print_log

from rsp.datasets.samplers.window_query import WindowQuery, as_size
from rsp.datasets.scenes import ATTEMPTS, SceneDataset
from rsp.datasets.views.multi_view import MultiView
from rsp.errors import UserError, shorten
from rsp.registry import DATASETS


@DATASETS.register_module()
class TemporalSceneDataset(SceneDataset):
    """Give the same ground at another date beside each window.

    As in SeCo (Mañas et al., ICCV 2021, https://arxiv.org/abs/2103.16607), what a place
    looks like in another season is the augmentation that counts: ``rsp.MultiView``
    makes the first view of one date and the second of the other, so that every method
    of two views trains on temporal positives. SeCo has three queries, of which one
    varies the date alone and one the augmentation alone, each with a head; this is the
    positive of its query that varies both.

    Scenes of a time series lie in one folder, dates in their metadata or names (or a
    year in names), on one grid: nothing is resampled. Scenes of which no other date is
    there are left out, and told. Of more than two dates the other one is drawn.

    Args:
        args: Of `SceneDataset`; ``windows`` are random ones.
        kwargs: Of `SceneDataset`, without ``land_cover``.

    Item:
        That of `SceneDataset`, and before the pipeline: ``other_dates``, a list of the
        image at the other date; ``other_paths`` and ``other_windows`` of it.

    Raises:
        UserError: If no two scenes show the same ground at two dates.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.sampler.is_batched or self.fractions is not None:
            raise UserError(
                'expected random windows without land cover for two dates, got '
                f'{type(self.sampler).__name__}; drop land_cover, and take '
                "windows=dict(type='rsp.RandomWindowSampler')."
            )
        steps = self.pipeline.transforms
        if not any(isinstance(s, MultiView) and s.count > 1 for s in steps):
            named = [type(step).__name__ for step in steps]
            raise UserError(
                'expected rsp.MultiView of two views or more in the pipeline, to make '
                f'one of each date, got {named}; take a method that contrasts views.'
            )

    def _select(self, found: Any, windows: Any) -> Any:
        """Leave out the scenes of which no other date is there."""
        from rsp.geo.time_series import other_times

        size = windows.get('size', 256) if isinstance(windows, dict) else windows
        size = as_size('size', size)
        found = found.select(size)
        others = other_times(found.scenes, size)
        alone = [s.path for s, o in zip(found.scenes, others, strict=True) if not o]
        kept = tuple(s for s, o in zip(found.scenes, others, strict=True) if o)
        if not kept:
            raise UserError(
                'expected scenes of the same ground and grid at two dates, got '
                f'{len(alone)} that have no other one: {shorten(alone)}; put dates '
                '(YYYYMMDD) into their names, or bring them to one grid (gdalwarp '
                '-t_srs -tr -tap).'
            )
        if alone and is_main_process():
            print_log(
                f'{type(self).__name__}: {len(alone)} scenes have no other date and '
                f'are left out: {shorten(alone)}.',
                logger='current',
            )
        self._others = other_times(kept, size)
        return replace(found, scenes=kept)

    def _read_accepted(self, number: int, rng: Random) -> dict[str, Any]:
        query = self.sampler.draw(number, rng)
        rejection = self.rejection
        assert rejection is not None
        for _ in range(rejection.retries + 1):
            query, other = self._with_other(query, rng)
            results, reason = self._read(query)
            image, nodata = self.images.image(*other)
            if reason is None and nodata > rejection.max_nodata:
                reason = 'no-data'
                self.stats.add(reason)
            if reason is None:
                break
            query = self.sampler.redraw(query, rng)
        else:
            self.stats.add('kept')
        path = self.sampler.index.path_of(self.images.scenes[other[0]])
        return results | dict(
            other_dates=[image], other_paths=[path], other_windows=[other[1]]
        )

    def _with_other(
        self, query: WindowQuery, rng: Random
    ) -> tuple[WindowQuery, tuple[int, Any]]:
        """Draw another date that shows the window, else another window."""
        scenes = self.images.scenes
        for _ in range(ATTEMPTS):
            there = [
                (other.scene, window)
                for other in self._others[query.scene]
                if (window := other.window(query.window, scenes[other.scene].shape))
            ]
            if there:
                return query, rng.choice(there)
            query = self.sampler.redraw(query, rng)
        raise UserError(
            f"expected windows of '{scenes[query.scene].path}' on another date, got "
            f'none of {ATTEMPTS}; take smaller windows.'
        )
