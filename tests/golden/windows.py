"""Windows of scenes, in the order in which a training's loader draws them.

How a kind of windows is asked for stands in one function each, `KINDS`; what comes out
is looked at in `_places` and `_pixels` alone.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import labels
import numpy as np
import scenes
from digests import digest
from PIL import Image
from scripts import build_loader

SEED, EPOCHS, BATCH = 5, 2, 6
PACK = dict(
    type='mmpretrain.PackInputs', meta_keys=('img_path', 'window', 'view_boxes')
)
Config = dict[str, Any]
GRID = dict(type='rsp.GridWindowSampler')


def measure(folder: Path) -> dict[str, Any]:
    """Draw two epochs of windows of every kind.

    Returns:
        By kind: number of windows, the first ones, and digests of all places, pixels
        and, where there are any, class fractions.
    """
    made = scenes.make(folder)
    return {
        name: _numbers_of(build_loader(kind(made, folder / name), SEED))
        for name, kind in KINDS.items()
    }


def _random(made: SimpleNamespace, folder: Path) -> Config:
    return _loader(_windows(made.scenes / 's2', dict(length=30)))


def _random_as_many_as_fill_the_area(made: SimpleNamespace, folder: Path) -> Config:
    return _loader(_windows(made.scenes / 's2', dict(size=(48, 64))))


def _random_chosen_bands(made: SimpleNamespace, folder: Path) -> Config:
    return _loader(_windows(made.scenes / 's2', dict(length=30), bands=[4, 2]))


def _random_stretched_per_band(made: SimpleNamespace, folder: Path) -> Config:
    stretch = dict(per_band=True, percentiles=(2, 98))
    return _loader(_windows(made.scenes / 's2', dict(length=30), stretch=stretch))


def _random_fixed_limits(made: SimpleNamespace, folder: Path) -> Config:
    stretch = dict(limits=(0, 3000))
    return _loader(_windows(made.scenes / 's2', dict(length=30), stretch=stretch))


def _random_reflectance(made: SimpleNamespace, folder: Path) -> Config:
    scaled = dict(scale=1e-4, mean=[0.1, 0.1, 0.1, 0.2], std=[0.05, 0.05, 0.06, 0.1])
    return _loader(_windows(made.scenes / 's2', dict(length=30), reflectance=scaled))


def _random_8_bit(made: SimpleNamespace, folder: Path) -> Config:
    return _loader(_windows(made.scenes / 'aerial', dict(length=30), stretch=None))


def _random_rejecting(made: SimpleNamespace, folder: Path) -> Config:
    # Strict enough that a part of the windows is drawn again, some in vain.
    rules = dict(dark=40.0, contrast=0.3, bright=200.0, max_bright=0.3)
    rejection = dict(max_nodata=0.02, rules=rules, retries=4)
    windows = dict(length=30)
    return _loader(_windows(made.scenes / 's2', windows, rejection=rejection))


def _random_aligned(made: SimpleNamespace, folder: Path) -> Config:
    return _loader(_windows(made.scenes / 's2', dict(length=30, align=True)))


def _random_several_per_read(made: SimpleNamespace, folder: Path) -> Config:
    windows = dict(length=30, windows_per_read=2, max_per_scene=4)
    return _loader(_windows(made.scenes / 's2', windows))


def _random_sharing_as_by_default(made: SimpleNamespace, folder: Path) -> Config:
    windows = dict(length=30, windows_per_read=None)
    return _loader(_windows(made.scenes / 's2', windows))


def _random_one_per_scene(made: SimpleNamespace, folder: Path) -> Config:
    # Six scenes of unequal size, so a batch of six has to be spread.
    windows = dict(length=30, max_per_scene=1)
    return _loader(_windows(made.scenes, windows, bands=[1, 2, 3]))


def _random_with_land_cover(made: SimpleNamespace, folder: Path) -> Config:
    # Ends in the middle of the scenes.
    grid = scenes.degree_grid(200, 420, east=-400, north=400)
    raster = scenes.worldcover(folder / 'map.tif', grid)
    options = dict(
        land_cover=dict(rasters=str(raster), class_map='worldcover'),
        rejection=dict(min_coverage=0.9),
    )
    return _loader(_windows(made.scenes / 's2', dict(length=30), **options))


def _random_pairs_of_views(made: SimpleNamespace, folder: Path) -> Config:
    boxes = dict(type='rsp.SampleOverlappingBoxes', least=0.3)
    windows = dict(length=30)
    return _loader(_windows(made.scenes / 's2', windows, pipeline=[boxes, PACK]))


def _random_beside_photos(made: SimpleNamespace, folder: Path) -> Config:
    _write_photos(folder)
    photos = dict(
        type='rsp.ImageFolder',
        data_root=str(folder),
        pipeline=[dict(type='mmpretrain.LoadImageFromFile'), PACK],
    )
    remote = _windows(made.scenes / 's2', dict(length=30, max_per_scene=4))
    sources = dict(remote=remote, natural=photos)
    return _loader(dict(type='rsp.PairedDataset', sources=sources))


def _grid(made: SimpleNamespace, folder: Path) -> Config:
    return _loader(_windows(made.scenes / 's2', GRID))


def _grid_with_a_stride(made: SimpleNamespace, folder: Path) -> Config:
    windows = GRID | dict(size=(48, 64), stride=(44, 40), max_nodata=0.5)
    return _loader(_windows(made.scenes / 's2', windows))


def _grid_in_order(made: SimpleNamespace, folder: Path) -> Config:
    """Not shuffled, as for evaluation."""
    cfg = _loader(_windows(made.scenes / 'aerial', GRID, stretch=None))
    return cfg | dict(sampler=dict(type='DefaultSampler', shuffle=False))


def _grid_with_land_cover(made: SimpleNamespace, folder: Path) -> Config:
    cover = dict(rasters=str(made.worldcover), class_map='worldcover')
    return _loader(_windows(made.scenes / 's2', GRID, land_cover=cover))


def _labelled(made: SimpleNamespace, folder: Path) -> Config:
    land_cover = made.globeland30[0].parent
    windows = ('--crop-size', 64, '--stride', 60)
    file = labels.make(made.scenes / 's2', land_cover, folder, *windows)
    windows = dict(type='rsp.LabeledWindowSampler', file=str(file))
    return _loader(_windows(made.scenes / 's2', windows))


KINDS: dict[str, Callable[[SimpleNamespace, Path], Config]] = {
    kind.__name__.removeprefix('_'): kind
    for kind in (
        _random,
        _random_as_many_as_fill_the_area,
        _random_chosen_bands,
        _random_stretched_per_band,
        _random_fixed_limits,
        _random_reflectance,
        _random_8_bit,
        _random_rejecting,
        _random_aligned,
        _random_several_per_read,
        _random_sharing_as_by_default,
        _random_one_per_scene,
        _random_with_land_cover,
        _random_pairs_of_views,
        _random_beside_photos,
        _grid,
        _grid_with_a_stride,
        _grid_in_order,
        _grid_with_land_cover,
        _labelled,
    )
}


def _windows(source: Path, windows: Config, **options: Any) -> Config:
    """Config of a data set of windows, random ones drawn one by one."""
    if 'file' not in windows:
        windows = dict(size=64) | windows
    if 'type' not in windows and 'align' not in windows:
        windows = dict(windows_per_read=1) | windows
    return dict(
        type='rsp.SceneDataset',
        data_root=str(source),
        windows=windows,
        **dict(pipeline=[PACK]) | options,
    )


def _loader(dataset: Config) -> Config:
    """Config of the data loader that a training has for it, in this process."""
    return dict(
        batch_size=BATCH,
        num_workers=0,
        sampler=dict(type='rsp.PairedSampler', shuffle=True),
        batch_sampler=dict(type='rsp.PairedBatchSampler'),
        collate_fn=dict(type='pseudo_collate'),
        dataset=dataset,
    )


def _write_photos(folder: Path) -> None:
    rng = np.random.default_rng(0)
    for number in range(7):
        file = folder / f'class {number % 2}' / f'{number}.png'
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(256, size=(20, 24, 3), dtype=np.uint8)).save(file)


def _numbers_of(loader: Any) -> dict[str, Any]:
    places, pixels, fractions = [], [], []
    for epoch in range(EPOCHS):
        loader.batch_sampler.sampler.set_epoch(epoch)
        for batch in loader:
            for inputs, sample in _samples(batch):
                places.append(_place(sample))
                pixels.append(_pixels(inputs))
                if 'gt_score' in sample:
                    fractions.append(_spelt(sample.gt_score))
    found = dict(
        windows=len(places),
        first=places[:3],
        places=digest(places),
        pixels=digest(pixels),
    )
    return found | (dict(fractions=digest(fractions)) if fractions else {})


def _samples(batch: dict[str, Any]) -> Iterator[tuple[Any, Any]]:
    """Images and their facts, those of all sources if there are several."""
    for part in [batch] if 'inputs' in batch else [p for [p] in batch.values()]:
        yield from zip(part['inputs'], part['data_samples'], strict=True)


def _place(sample: Any) -> str:
    """Name of the file; column, row, width and height; boxes of the views, if any."""
    facts = [
        Path(sample.img_path).name,
        *([w.left, w.top, w.width, w.height] if (w := sample.get('window')) else ()),
        *(number for box in sample.get('view_boxes', ()) for number in box),
    ]
    return ' '.join(map(str, facts))


def _pixels(inputs: Any) -> bytes:
    values = np.ascontiguousarray(inputs.numpy())
    return f'{values.dtype} {values.shape} '.encode() + values.tobytes()


def _spelt(fractions: Any) -> str:
    # The last digits of a sum depend on the machine.
    return ' '.join(f'{float(value):.6f}' for value in fractions)
