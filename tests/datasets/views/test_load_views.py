"""Views of files: of reduced pixels where they suffice, right for files of any kind."""

import io

import cv2
import numpy as np
import pytest
from mmcv.transforms import Compose
from PIL import Image

from rsp.datasets import ImageFolder, SampleIndex, SeededDataset
from rsp.datasets.pixel_reading import loader_of
from rsp.datasets.seeding import item_seed
from rsp.datasets.transforms import LoadImageFromFile, load_image
from rsp.datasets.views import LoadView, LoadViews, MultiView
from rsp.datasets.views import load_views as module
from rsp.errors import UserError
from rsp.io.images import MENDED
from rsp.ops.views.resizing import snap

CROP = dict(
    type='mmpretrain.RandomResizedCrop', scale=(32, 40), crop_ratio_range=(0.2, 1.0)
)
COLORS = [
    dict(
        type='mmcv.RandomGrayscale',
        prob=0.2,
        keep_channels=True,
        channel_weights=(0.114, 0.587, 0.2989),
    ),
    dict(type='rsp.ColorJitter', brightness=0.4, contrast=0.4, saturation=0.4, hue=0.4),
    dict(type='mmcv.RandomFlip', prob=0.5),
]
VIEW = [CROP, *COLORS]


def picture(height=200, width=260):
    y, x = np.mgrid[:height, :width] / 40
    bands = [np.sin(x * (k + 1) + y) * np.cos(y - k) for k in range(3)]
    return Image.fromarray(np.rint(127 + 120 * np.stack(bands, 2)).astype(np.uint8))


def write(folder, name, image=None, **options):
    path = folder / name
    (image or picture()).save(path, **options)
    return str(path)


def load(transform, path, seed=0):
    with item_seed(seed):
        return transform(dict(img_path=path))


def watch_decoding(monkeypatch):
    """List the reductions of all JPEGs that are decoded."""
    reductions = []
    decode = module.decode_jpeg

    def watched(content, frame, reduction):
        reductions.append(reduction)
        return decode(content, frame, reduction=reduction)

    monkeypatch.setattr(module, 'decode_jpeg', watched)
    return reductions


def snapped_views(transform, whole, reduction, seed):
    """Make views of whole pixels, of the boxes of reduced ones."""
    views = []
    with item_seed(seed):
        drawn = transform.views.draw(whole.shape[:2], 3, {})
    for view in drawn:
        box = np.array(snap(view.geometry[:4].astype(int).tolist(), reduction))
        view.geometry[:4] = reduction * box
        views.append(view.make(whole))
    return views


def test_views_of_whole_pixels_are_those_of_the_loaded_image(tmp_path, monkeypatch):
    reductions = watch_decoding(monkeypatch)
    view = [CROP | dict(scale=(160, 180)), *COLORS]
    path = write(tmp_path, 'a.jpg')
    loaded = load(LoadViews([view], 3), path, seed=5)
    given = LoadImageFromFile()(dict(img_path=path))
    with item_seed(5):
        expected = MultiView([view], 3)(given)
    assert reductions == [1]
    assert len(loaded['img']) == 3
    for one, other in zip(loaded['img'], expected['img'], strict=True):
        assert (one == other).all()
        assert one.shape == (160, 180, 3)
    assert loaded['ori_shape'] == (200, 260)


def test_large_boxes_are_cut_from_reduced_pixels(tmp_path, monkeypatch):
    reductions = watch_decoding(monkeypatch)
    path = write(tmp_path, 'a.jpg', quality=95, subsampling=0)
    whole = LoadImageFromFile().read(path)
    loader = LoadViews([[CROP, dict(type='mmcv.RandomFlip', prob=0.5)]], 2)
    for seed in range(20):
        reduced = load(loader, path, seed)['img']
        expected = snapped_views(loader, whole, reductions[-1], seed)
        for one, other in zip(reduced, expected, strict=True):
            assert np.abs(one.astype(float) - other).mean() < 1.5
    assert {2, 4} <= set(reductions)


def test_no_view_is_enlarged_by_the_reduction(tmp_path, monkeypatch):
    reductions = watch_decoding(monkeypatch)
    path = write(tmp_path, 'a.jpg')
    loader = LoadViews([[CROP]], 2)
    for seed in range(30):
        with item_seed(seed):
            drawn = loader.views.draw((200, 260), 3, {})
        load(loader, path, seed)
        edges = np.array([view.geometry[2:4] for view in drawn])
        # A reduced pixel may be lost at either edge of a box.
        assert (edges / reductions[-1] >= (32, 40)).all()
        larger = 2 * reductions[-1]
        assert larger > 8 or (edges / larger < (34, 42)).any()


def test_exact_pillow_is_the_old_pipeline_bit_for_bit(tmp_path):
    path = write(tmp_path, 'a.jpg')
    old = Compose(
        [
            dict(type='rsp.LoadImageFromFile'),
            dict(type='mmpretrain.MultiView', num_views=2, transforms=[VIEW]),
        ]
    )
    new = LoadViews([VIEW], 2, exact_pillow=True)
    photo = Compose([dict(type='rsp.LoadImageFromFile'), *VIEW])
    for seed in range(5):
        ours, theirs = load(new, path, seed), load(old, path, seed)
        for one, other in zip(ours['img'], theirs['img'], strict=True):
            assert (one == other).all()
        assert ours.keys() == theirs.keys()
        one = load(LoadView(VIEW, exact_pillow=True), path, seed)
        assert (one['img'] == load(photo, path, seed)['img']).all()


def test_a_view_is_a_function_of_the_seed_of_its_item(tmp_path):
    folder = tmp_path / 'images'
    folder.mkdir()
    for name in 'abc':
        write(folder, f'{name}.jpg', picture(90 + ord(name), 120))
    pipeline = [dict(type='rsp.LoadViews', transforms=[VIEW], num_views=2)]
    dataset = SeededDataset(
        ImageFolder(data_prefix=str(folder), with_label=False, pipeline=pipeline)
    )
    first = dataset[SampleIndex((1,), seed=7)]
    np.random.random(5)
    dataset[SampleIndex((2,), seed=3)]
    again = dataset[SampleIndex((1,), seed=7)]
    for one, other in zip(first['img'], again['img'], strict=True):
        assert (one == other).all()
    assert (first['img'][0] != first['img'][1]).any()
    other = dataset[SampleIndex((1,), seed=8)]
    assert (first['img'][0] != other['img'][0]).any()
    assert isinstance(loader_of(dataset.dataset), LoadViews)


@pytest.mark.parametrize('orientation', range(1, 9))
@pytest.mark.parametrize('size', [(200, 264), (199, 261)])
def test_boxes_of_turned_files_are_upright(tmp_path, monkeypatch, orientation, size):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = write(tmp_path, 'a.jpg', picture(*size), exif=exif, quality=95)
    upright = LoadImageFromFile().read(path)
    reductions = watch_decoding(monkeypatch)
    loader = LoadViews([[CROP, dict(type='mmcv.RandomFlip', prob=0.5)]], 2)
    for seed in range(6):
        loaded = load(loader, path, seed)
        assert loaded['ori_shape'] == upright.shape[:2]
        expected = snapped_views(loader, upright, reductions[-1], seed)
        for one, other in zip(loaded['img'], expected, strict=True):
            assert np.abs(one.astype(float) - other).mean() < 1.5
    # Squares of pixels that start in another corner would be moved.
    assert max(reductions) == (4 if size == (200, 264) or orientation == 1 else 1)


def test_other_kinds_of_files_are_read_whole(tmp_path):
    gray = np.asarray(picture().convert('L')).astype(np.uint16) * 200
    alpha = picture().convert('RGBA')
    alpha.putalpha(Image.fromarray(np.where(np.eye(200, 260) > 0, 0, 255)
                                   .astype(np.uint8)))  # fmt: skip
    files = [
        write(tmp_path, 'a.png'),
        write(tmp_path, 'b.png', alpha),
        write(tmp_path, 'c.jpg', picture().convert('CMYK')),
        write(tmp_path, 'd.jpg', picture().convert('L')),
        write(tmp_path, 'e.bmp'),
        write(tmp_path, 'f.jpg', progressive=True),
    ]
    cv2.imwrite(str(tmp_path / 'g.png'), gray)
    view = [CROP | dict(scale=(160, 180)), *COLORS]
    for path in [*files, str(tmp_path / 'g.png')]:
        stretch = dict(stretch=(0, 51000)) if path.endswith('g.png') else {}
        loaded = load(LoadViews([view], 2, **stretch), path, 1)
        whole = LoadImageFromFile(**stretch)(dict(img_path=path))
        with item_seed(1):
            expected = MultiView([view], 2)(whole)
        for one, other in zip(loaded['img'], expected['img'], strict=True):
            assert (one == other).all()


def damaged(kind):
    stream = io.BytesIO()
    picture().save(stream, 'JPEG', quality=95)
    content = bytearray(stream.getvalue())
    middle = len(content) // 2
    if kind == 'mended':
        content[middle : middle + 40] = b'\xff\x01' * 20
    elif kind == 'cut':
        del content[middle:]
    else:
        content[middle:] = bytes(len(content) - middle)
    return bytes(content)


def test_a_file_that_libjpeg_mends_is_told_and_gives_its_whole_pixels(
    tmp_path, monkeypatch, capfd
):
    told = []
    monkeypatch.setattr(load_image, 'tell', lambda path, notes: told.append(notes))
    path = tmp_path / 'a.jpg'
    path.write_bytes(damaged('mended'))
    loaded = load(LoadViews([[CROP]], 2), str(path), 2)
    whole = LoadImageFromFile()(dict(img_path=str(path)))
    with item_seed(2):
        expected = MultiView([[CROP]], 2)(whole)
    for one, other in zip(loaded['img'], expected['img'], strict=True):
        assert (one == other).all()
    assert told == [(MENDED,)] * 2
    assert capfd.readouterr().err == ''


@pytest.mark.parametrize('kind', ['cut', 'zeros'])
def test_a_file_that_is_cut_off_is_refused_or_skipped(tmp_path, kind):
    (tmp_path / 'a.jpg').write_bytes(damaged(kind))
    write(tmp_path, 'b.jpg')
    pipeline = [dict(type='rsp.LoadViews', transforms=[VIEW])]
    options = dict(data_prefix=str(tmp_path), with_label=False, pipeline=pipeline)
    with pytest.raises(UserError, match=r'a\.jpg'):
        ImageFolder(**options)[0]
    skipping = ImageFolder(**options, on_bad_image='skip', max_bad_share=0.6)
    with item_seed(0):
        assert skipping[0]['img_path'].endswith('b.jpg')


def test_pixels_of_a_packed_store_are_cut_before_they_are_read(tmp_path, monkeypatch):
    path = write(tmp_path, 'a.png')
    pixels = np.asarray(picture())
    pixels.setflags(write=False)
    loader = LoadViews([VIEW], 2)
    expected = load(loader, path, 3)['img']
    monkeypatch.setattr(loader, 'stored', lambda path: pixels)
    monkeypatch.setattr(loader, 'read', None)
    for one, other in zip(load(loader, path, 3)['img'], expected, strict=True):
        assert (one == other).all()
        assert one.flags.writeable


def test_views_cut_the_boxes_that_are_drawn_together(tmp_path):
    path = write(tmp_path, 'a.jpg', quality=95, subsampling=0)
    views = [[dict(type='rsp.CropToBox', view=n, size=64)] for n in (0, 1)]
    boxes = dict(type='rsp.SampleOverlappingBoxes', least=0.3)
    loaded = load(LoadViews(views, [1, 1], boxes), path, 4)
    whole = LoadImageFromFile()(dict(img_path=path))['img']
    for box, view in zip(loaded['view_boxes'], loaded['img'], strict=True):
        top, left, height, width = box
        part = whole[top : top + height, left : left + width]
        expected = cv2.resize(part, (64, 64), interpolation=cv2.INTER_AREA)
        assert np.abs(view.astype(float) - expected).mean() < 4


def test_one_view_has_its_size(tmp_path):
    path = write(tmp_path, 'a.jpg')
    loaded = load(LoadView(VIEW), path, 0)
    assert loaded['img'].shape == (32, 40, 3)
    assert loaded['img_shape'] == (32, 40)
    expected = load(LoadViews([VIEW], 1), path, 0)['img'][0]
    assert (loaded['img'] == expected).all()


def test_wrong_arguments_are_refused_when_built():
    with pytest.raises(UserError, match='exact_pillow=True'):
        LoadViews([[CROP, dict(type='RandAugment')]])
    with pytest.raises(UserError, match='num_views'):
        LoadViews([VIEW, VIEW], [2])
    with pytest.raises(UserError, match='exact_pillow=True'):
        LoadViews([VIEW], color_type='unchanged')
    with pytest.raises(UserError, match='hue=0'):
        LoadViews([[CROP, COLORS[1]]], bands=[1, 2, 3, 4])


def test_floats_go_through_the_transforms_themselves():
    image = np.random.default_rng(0).random((50, 60, 5), np.float32)
    view = [CROP | dict(scale=16), dict(type='rsp.RandomGrayscale', prob=0.5)]
    results = dict(img=image, value_range=(0, 1))
    with item_seed(1):
        views = MultiView([view], 2)(dict(results))['img']
    stock = Compose([dict(type='mmpretrain.MultiView', num_views=2, transforms=[view])])
    with item_seed(1):
        expected = stock(dict(results))['img']
    for one, other in zip(views, expected, strict=True):
        assert (one == other).all()


@pytest.mark.parametrize('bands', [1, 2, 4, 13])
def test_windows_of_other_bands_in_8_bits_have_views(bands):
    window = np.random.default_rng(0).integers(0, 256, (50, 60, bands), np.uint8)
    view = [
        CROP | dict(scale=16),
        dict(type='rsp.RandomGrayscale', prob=1.0),
        dict(type='rsp.ColorJitter', brightness=0.4, contrast=0.4),
        dict(type='rsp.RandomBlur'),
        dict(type='rsp.GaussianNoise', prob=1.0),
        dict(type='rsp.RandomSolarize', prob=1.0),
        dict(type='mmcv.RandomFlip', prob=0.5),
    ]
    views = MultiView([view], 2)(dict(img=window))['img']
    assert [one.shape for one in views] == [(16, 16, bands)] * 2
