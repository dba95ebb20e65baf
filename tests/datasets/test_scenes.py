import pickle

import numpy as np
import pytest
import torch
from mmengine.dataset import DefaultSampler
from scipy import stats
from torch.utils.data import DataLoader

pytest.importorskip('rasterio', reason="needs the 'geo' extra")

from rsp.datasets import PairedSampler, SceneDataset
from rsp.geo.scene_index import FILE_NAME

PACK = [dict(type='mmpretrain.PackInputs', meta_keys=('img_path', 'window'))]


def scenes(folder, windows=None, **kwargs):
    """Random windows of 16 pixels, unless told otherwise, none of them rejected."""
    options = dict(stretch=None, rejection=dict(max_nodata=1.0))
    return SceneDataset(folder, dict(size=16) | (windows or {}), **options | kwargs)


def grid(folder, size=16, **kwargs):
    sampler = {
        name: kwargs.pop(name) for name in ('stride', 'max_nodata') & kwargs.keys()
    }
    windows = dict(type='rsp.GridWindowSampler', size=size, **sampler)
    return SceneDataset(folder, windows, **dict(stretch=None) | kwargs)


def draws(dataset, epoch=0, seed=0, batch_size=4, **kwargs):
    sampler = PairedSampler(dataset, seed=seed, batch_size=batch_size, **kwargs)
    sampler.set_epoch(epoch)
    return list(sampler)


def keys(items):
    return [(item['img_path'], item['window']) for item in items]


@pytest.fixture
def folder(write_scene, tmp_path):
    """Three scenes of 8 bits; a pixel's first band is its column, + 1."""
    for n, (width, height) in enumerate([(100, 80), (40, 60), (20, 16)]):
        write_scene(f's/{n}.tif', width, height, dtype='uint8')
    return tmp_path / 's'


@pytest.fixture
def tiled(write_scene, tmp_path):
    layout = dict(tiled=True, blockxsize=32, blockysize=16, compress='deflate')
    for n in range(4):
        write_scene(f't/{n}.tif', 200, 120, dtype='uint8', **layout)
    return tmp_path / 't'


def assert_is_the_window(item):
    """BGR: band 1, the columns, comes last."""
    top, left, height, width = item['window']
    image = item['img']
    assert image.shape == (height, width, 3)
    assert (image[..., 2] == np.arange(left + 1, left + width + 1)).all()
    assert (image[..., 1] == np.arange(top + 1, top + height + 1)[:, None]).all()
    assert (image[..., 0] == 7).all()


@pytest.mark.parametrize('threads', [0, 2])
@pytest.mark.parametrize('options', [{}, dict(windows_per_read=2), dict(align=True)])
@pytest.mark.parametrize('files', ['folder', 'tiled'])
@pytest.mark.parametrize('size', [16, (12, 18)])
def test_windows_hold_the_pixels_that_they_name(files, options, threads, size, request):
    dataset = scenes(
        request.getfixturevalue(files),
        dict(size=size, length=64, **options),
        reader=dict(threads=threads),
    )
    items = dataset.__getitems__(draws(dataset))
    assert len(items) == 64
    for item in items:
        assert_is_the_window(item)
        shape = (16, 16) if size == 16 else size
        assert item['ori_shape'] == item['img_shape'] == shape


def test_an_epoch_follows_from_seed_and_epoch(folder):
    dataset = scenes(folder, dict(length=24))
    epochs = {
        (seed, epoch): keys(dataset.__getitems__(draws(dataset, epoch, seed)))
        for seed in range(2)
        for epoch in range(2)
    }
    assert len({tuple(windows) for windows in epochs.values()}) == 4
    again = scenes(folder, dict(length=24))
    assert keys(again[draw] for draw in draws(again, 1)) == epochs[0, 1]


NOISE = [
    dict(type='rsp.GaussianNoise', prob=1.0),
    dict(type='mmpretrain.RandomFlip', prob=0.5),
    *PACK,
]


def loaded(dataset, workers, context=None):
    loader = DataLoader(
        dataset,
        4,
        sampler=PairedSampler(dataset, seed=3, batch_size=4),
        num_workers=workers,
        multiprocessing_context=context,
        collate_fn=list,
    )
    samples = [sample for batch in loader for sample in batch]
    return torch.stack([s['inputs'] for s in samples]), [
        s['data_samples'].window for s in samples
    ]


@pytest.mark.parametrize('context', ['fork', 'spawn'])
def test_workers_change_nothing(folder, context):
    rejection = dict(max_nodata=1.0, rules=dict(bright=30), retries=2)
    options = dict(pipeline=NOISE, rejection=rejection)
    alone, theirs = (scenes(folder, dict(length=16), **options) for _ in range(2))
    pixels, windows = loaded(alone, 0)
    # Starting a fresh interpreter takes seconds.
    workers = 1 if context == 'spawn' else 2
    others, other_windows = loaded(theirs, workers, context)
    assert windows == other_windows
    assert torch.equal(pixels, others)
    # What the workers counted is known here.
    assert theirs.stats.to_dict() == alone.stats.to_dict()
    assert alone.stats.to_dict()['windows'] > 16


def test_a_run_goes_on_where_it_was_interrupted(folder):
    """The rest of an epoch is the same in a new process, from the middle on."""
    dataset = scenes(folder, dict(length=24), pipeline=NOISE)
    whole = [dataset[draw] for draw in draws(dataset, epoch=2)]
    resumed = pickle.loads(pickle.dumps(dataset))
    rest = resumed.__getitems__(draws(resumed, epoch=2)[12:])
    for one, other in zip(whole[12:], rest, strict=True):
        assert torch.equal(one['inputs'], other['inputs'])


def test_mmengines_sampler_works_too(folder):
    dataset = scenes(folder, dict(length=24))
    sampler = DefaultSampler(dataset, seed=0)
    items = [dataset[number] for number in sampler]
    assert len(items) == 24
    assert len(set(keys(items))) > 12


def test_places_are_even_over_the_valid_area_not_over_files(folder):
    """Chi-square over cells of 10 x 10 pixels of all scenes, at 1 per cent."""
    dataset = scenes(folder, dict(size=2, length=12_000))
    counted = {}
    for draw in draws(dataset, batch_size=60):
        scene, y, x = dataset.sampler.area.place(draw.indices[0] - len(dataset))
        facts = dataset.images.scenes[scene]
        cell = (scene, x // 10, y // 10)
        counted[cell] = counted.get(cell, 0) + 1
        assert 0 <= x < facts.width
        assert 0 <= y < facts.height
    areas = {
        (n, c, r): min(10, s.width - 10 * c) * min(10, s.height - 10 * r)
        for n, s in enumerate(dataset.images.scenes)
        for c in range(-(-s.width // 10))
        for r in range(-(-s.height // 10))
    }
    expected = np.array(list(areas.values())) * 12_000 / sum(areas.values())
    observed = np.array([counted.get(cell, 0) for cell in areas])
    assert stats.chisquare(observed, expected).pvalue > 0.01


@pytest.mark.parametrize('options', [dict(windows_per_read=4), dict(align=True)])
def test_windows_of_shared_reads_are_even_too(tiled, options):
    """Away from the borders, every corner, or every block, is as frequent."""
    dataset = scenes(tiled, dict(length=8000, **options))
    ys, xs = np.array(
        [item['window'][:2] for item in dataset.__getitems__(draws(dataset))]
    ).T
    if options.get('align'):
        # Blocks are 32 x 16: two windows side by side in each.
        assert (xs % 16 == 0).all() or set(xs[xs % 16 > 0]) == {200 - 16}
        assert set(ys % 16) <= {0, (120 - 16) % 16}
        counts = np.bincount(xs[ys < 96] // 16)[:11]
    else:
        inside = (xs >= 32) & (xs < 160) & (ys >= 32) & (ys < 80)
        counts = np.bincount(xs[inside] - 32, minlength=128)
    # Four of a read share their block, so counts scatter more than independent ones.
    spread = ((counts - counts.mean()) ** 2).sum() / counts.mean()
    assert spread < 4 * stats.chi2.ppf(0.99, len(counts) - 1)


def test_no_window_has_its_middle_in_undeclared_fill(write_scene, tmp_path):
    pixels = np.zeros((3, 60, 90), np.uint8)
    pixels[:, :, 30:60] = 9
    write_scene('s/a.tif', pixels=pixels)
    dataset = scenes(tmp_path / 's', dict(size=4, length=200))
    assert dataset.sampler.area.total == 60 * 30
    middles = {item['window'].left + 2 for item in dataset.__getitems__(draws(dataset))}
    assert middles == set(range(30, 60))


def test_a_batch_has_few_windows_of_a_scene(write_scene, tmp_path):
    for n, width in enumerate([400, 30, 30, 30, 30, 30]):
        write_scene(f's/{n}.tif', width, 30, dtype='uint8', fill=3)
    for together in (1, 2):
        dataset = scenes(
            tmp_path / 's',
            dict(length=80, max_per_scene=2, windows_per_read=together),
            rejection=dict(max_nodata=0, retries=3),
        )
        items = dataset.__getitems__(draws(dataset, batch_size=8))
        for first in range(0, 80, 8):
            paths = [item['img_path'] for item in items[first : first + 8]]
            assert max(map(paths.count, paths)) <= 2
        large = [item for item in items if item['img_path'].endswith('0.tif')]
        assert len(large) == 20  # at its bound in every batch


def test_the_bound_holds_over_all_processes(write_scene, tmp_path, monkeypatch):
    for n in range(4):
        write_scene(f's/{n}.tif', 20 + 100 * n, 30, dtype='uint8')
    dataset = scenes(tmp_path / 's', dict(length=37, max_per_scene=3))
    ranks = []
    for rank in range(2):
        monkeypatch.setattr(
            'mmengine.dataset.sampler.get_dist_info', lambda r=rank: (r, 2)
        )
        ranks.append(draws(dataset, batch_size=5))
    assert len(ranks[0]) == len(ranks[1]) == 19
    for first in range(0, 19, 5):
        batch = [d for rank in ranks for d in rank[first : first + 5]]
        owners = [dataset.sampler.area.place(d.indices[0] - 37)[0] for d in batch]
        assert max(map(owners.count, owners)) <= 3
    assert len({d.indices for rank in ranks for d in rank}) == 38


def windows_of_a_rank(folder):
    dataset = scenes(folder, dict(length=40))
    sampler = PairedSampler(dataset, seed=1, batch_size=4)
    return keys(dataset.__getitems__(list(sampler)))


@pytest.mark.dist
def test_two_processes_share_an_epoch(folder, gloo):
    first, second = gloo(windows_of_a_rank, str(folder))
    assert len(first) == len(second) == 20
    assert not set(first) & set(second)
    assert (folder / FILE_NAME).is_file()


def test_rejected_windows_are_drawn_again_and_counted(write_scene, tmp_path):
    rng = np.random.default_rng(0)
    pixels = rng.integers(40, 200, (3, 60, 400), np.uint8)
    pixels[:, :, 200:] = 120  # flat
    write_scene('s/a.tif', pixels=pixels)
    rejection = dict(max_nodata=1.0, rules=True, retries=50)
    dataset = scenes(tmp_path / 's', dict(length=100), rejection=rejection)
    items = dataset.__getitems__(draws(dataset))
    # A flat window with a rim of less than 1 per cent texture is flat all the same.
    assert max(item['window'].left for item in items) < 200
    counts = dataset.stats.to_dict()
    assert counts['windows'] - counts['contrast'] == 100
    assert 60 < counts['contrast'] < 160
    assert counts['dark'] == counts['cloud'] == counts['no-data'] == 0
    assert counts['kept'] == 0


def test_what_cannot_be_avoided_is_kept_and_counted(write_scene, tmp_path):
    write_scene('s/a.tif', pixels=np.full((3, 40, 40), 90, np.uint8))
    rejection = dict(max_nodata=1.0, rules=True, retries=3)
    dataset = scenes(tmp_path / 's', dict(length=10), rejection=rejection)
    dataset.__getitems__(draws(dataset))
    counts = dataset.stats.to_dict()
    assert (counts['windows'], counts['contrast'], counts['kept']) == (40, 40, 10)


@pytest.mark.parametrize(('value', 'labeled'), [(90, 1.0), (0, 0.0)])
def test_what_is_kept_has_a_label_where_it_has_pixels(
    write_scene, tmp_path, value, labeled
):
    pixels = np.full((3, 40, 40), value, np.uint8)
    if not value:
        pixels[:, :4, :4] = 1  # an index leaves out scenes without any data
    write_scene('s/a.tif', pixels=pixels, nodata=0)
    cover = write_scene('map.tif', pixels=np.full((1, 40, 40), 10, np.uint8))
    dataset = scenes(
        tmp_path / 's',
        dict(length=10, size=30),
        rejection=dict(max_nodata=0.1, rules=True, retries=2),
        land_cover=dict(rasters=cover, class_map='worldcover'),
    )
    items = dataset.__getitems__(draws(dataset))
    assert dataset.stats.to_dict()['kept'] == 10
    assert {item['gt_score'].sum() for item in items} == {labeled}


def test_windows_without_data_are_rejected(write_scene, tmp_path):
    pixels = np.full((3, 50, 200), 9, np.uint8)
    pixels[:, :, 100:] = 77
    write_scene('s/a.tif', pixels=pixels, nodata=77)
    rejection = dict(max_nodata=0.25, retries=30)
    dataset = scenes(tmp_path / 's', dict(length=200), rejection=rejection)
    items = dataset.__getitems__(draws(dataset))
    assert max(item['window'].left for item in items) == 100 - 12
    assert dataset.stats.to_dict()['no-data'] > 0
    edge = next(item for item in items if item['window'].left > 84)
    empty = 100 - edge['window'].left
    assert (edge['img'][:, :empty] == 9).all()
    assert (edge['img'][:, empty:] == 0).all()


def test_a_grid_covers_every_pixel_once(write_scene, tmp_path):
    write_scene('s/a.tif', 1000, 700, dtype='uint16', tiled=True)
    dataset = grid(
        tmp_path / 's', (200, 256), stride=(180, 200), stretch=dict(limits=(0, 1020))
    )
    tops, lefts = [0, 180, 360, 500], [0, 200, 400, 600, 744]
    windows = [query.window for query in dataset.sampler.windows]
    assert windows == [(top, left, 200, 256) for left in lefts for top in tops]
    covered = np.zeros((700, 1000), bool)
    for window in windows:
        covered[window.slices] = True
    assert covered.all()
    item = dataset[19]
    columns = np.arange(745, 1001) * 255 // 1020
    assert (item['img'][..., 2] == columns).all()
    with pytest.raises(IndexError):
        dataset[20]


def test_a_grid_leaves_out_what_is_empty_only_if_asked(write_scene, tmp_path):
    pixels = np.zeros((3, 32, 64), np.uint8)
    pixels[:, :, :20] = 9
    write_scene('s/a.tif', pixels=pixels)
    assert len(grid(tmp_path / 's')) == 8
    kept = grid(tmp_path / 's', max_nodata=0.5)
    assert [query.window.left for query in kept.sampler.windows] == [0, 0]


def test_n_bands_come_in_the_order_of_the_config(write_scene, tmp_path):
    pixels = np.arange(5, dtype=np.uint8)[:, None, None] + np.full(
        (5, 20, 30), 10, 'u1'
    )
    write_scene('s/a.tif', pixels=pixels, interleave='band')
    write_scene('s/b.tif', pixels=pixels, interleave='pixel')
    for bands, expected in [
        (None, [10, 11, 12, 13, 14]),
        ((5, 1), [14, 10]),
        ((4, 3, 2, 1), [13, 12, 11, 10]),
        ((3, 2, 1), [10, 11, 12]),  # three come as BGR
        ((2,), [11]),
    ]:
        dataset = scenes(tmp_path / 's', dict(length=8), bands=bands)
        for item in dataset.__getitems__(draws(dataset)):
            assert (item['img'] == expected).all()
    assert dataset.metainfo['bands'] == (2,)


def test_a_band_without_data_beside_others_is_0(write_scene, tmp_path):
    """Not its fill value, which would be the end of a network; nor in the stretch."""
    pixels = np.tile(np.linspace(0.1, 0.9, 64, dtype=np.float32), (3, 64, 1))
    pixels[2, :, 40:] = fill = np.finfo(np.float32).min
    write_scene('s/a.tif', pixels=pixels, nodata=fill)
    image = grid(tmp_path / 's', 64, bands=[1, 2, 3], reflectance={})[0]['img']
    assert not image[:, 40:, 0].any()
    np.testing.assert_array_equal(image[..., 1:], pixels[:2].transpose(1, 2, 0))
    np.testing.assert_array_equal(image[:, :40, 0], pixels[2, :, :40])
    image = grid(tmp_path / 's', 64, bands=[1, 2, 3], stretch={})[0]['img']
    assert not image[:, 40:, 0].any()
    assert np.ptp(image[..., 2]) == 255


def test_reflectance_reaches_the_sample_as_floats(write_scene, tmp_path):
    pixels = np.stack([np.full((30, 30), v, np.uint16) for v in (1000, 2000, 3000, 0)])
    write_scene('s/a.tif', pixels=pixels)
    dataset = scenes(
        tmp_path / 's',
        dict(length=2),
        bands=(3, 1),
        reflectance=dict(scale=1e-4, mean=[0.1, 0.2], std=[0.1, 0.1]),
    )
    image = dataset[0]['img']
    assert image.dtype == np.float32
    np.testing.assert_allclose(image, np.broadcast_to([2, -1], (16, 16, 2)), atol=1e-5)


def test_mixed_types_meet_in_8_bits(write_scene, tmp_path):
    rng = np.random.default_rng(0)
    for n, dtype in enumerate(['uint8', 'uint16', 'int16', 'float32']):
        pixels = rng.normal(120, 30, (3, 40, 40)).clip(1, 255).astype(dtype)
        write_scene(f's/{n}.tif', pixels=pixels)
    dataset = scenes(tmp_path / 's', dict(length=16), stretch={})
    means = {
        item['img_path'][-5]: item['img'].mean()
        for item in dataset.__getitems__(draws(dataset))
    }
    assert len(means) == 4
    assert max(means.values()) - min(means.values()) < 20
    with pytest.raises(ValueError, match=r"8-bit scenes.*uint8, .*'1\.tif'.*'stretch'"):
        scenes(tmp_path / 's', stretch=None)


def test_a_rotated_scene_is_read_like_any(write_scene, tmp_path):
    from rasterio import Affine

    write_scene('s/a.tif', dtype='uint8', transform=Affine(8, 3, 5e5, 3, -8, 5e6))
    dataset = scenes(tmp_path / 's', dict(length=8))
    for item in dataset.__getitems__(draws(dataset)):
        assert_is_the_window(item)


def one_window(file, **options):
    dataset = grid([str(file)], size=(4, 5), **options)
    return dataset.get_data_info(0)


def test_three_bands_keep_what_is_given_to_each_of_them(write_scene):
    """They arrive as BGR, so that limits and statistics have to turn as well."""
    pixels = np.ones((3, 4, 5), 'uint16') * np.uint16([[[100]], [[200]], [[400]]])
    file = write_scene('a.tif', pixels=pixels)
    limits = [[0, 100], [100, 300], [0, 4000]]
    item = one_window(file, stretch=dict(limits=limits))
    assert item['img'][0, 0].tolist() == [25, 127, 255]
    reflectance = dict(scale=0.1, mean=[10, 10, 20], std=[1, 5, 4])
    item = one_window(file, reflectance=reflectance | dict(value_range=[[0, 10]] * 3))
    assert item['img'][0, 0].tolist() == [5, 2, 0]
    np.testing.assert_allclose(item['value_range'], [[-5, -2.5], [-2, 0], [-10, 0]])


def test_no_data_is_black_where_black_is_known(write_scene):
    """Decibels are below 0, the value that would be the brightest."""
    pixels = np.full((2, 4, 5), -12, 'float32')
    pixels[:, 1, 2] = -99
    pixels[1, 3, 3] = -99
    file = write_scene('a.tif', pixels=pixels, nodata=-99)
    item = one_window(file, reflectance=dict(value_range=[[-25, 0], [-32, 0]]))
    assert item['img'][1, 2].tolist() == [-25, -32]
    assert item['img'][3, 3].tolist() == [-12, -32]
    assert item['img'][0, 0].tolist() == [-12, -12]
    assert one_window(file, reflectance={})['img'][1, 2].tolist() == [0, 0]
    statistics = dict(mean=[-12, -12], std=[5, 5])
    limits = dict(value_range=[[-25, 0], [-32, 0]])
    item = one_window(file, reflectance=statistics | limits)
    assert item['img'][1, 2].tolist() == [0, 0]


@pytest.mark.parametrize(
    ('reflectance', 'told'),
    [
        (dict(mean=[1] * 3, std=[1] * 3), "'mean' of 'reflectance' for 2 bands, got 3"),
        (dict(value_range=[(0, 1)] * 3), "'value_range' of 'reflectance' for 2 bands"),
        (dict(value_range=(1, 0)), r"'value_range' of 'reflectance' as \(low, high\)"),
    ],
)
def test_what_is_given_for_other_bands_is_refused_at_once(
    write_scene, reflectance, told
):
    file = write_scene('a.tif', bands=2)
    with pytest.raises(ValueError, match=told):
        grid([str(file)], reflectance=reflectance)
