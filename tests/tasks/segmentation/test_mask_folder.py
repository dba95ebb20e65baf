import numpy as np
import pytest
from PIL import Image

from rsp.tasks.common.masks import gray_to_labels
from rsp.tasks.segmentation import (
    ISPRSFiveClasses,
    LevirCS,
    LoadMaskAnnotations,
    LoveDA,
    MaskFolder,
)

PREFIX = dict(img_path='img_dir/train', seg_map_path='ann_dir/train')
LOAD = [dict(type='mmseg.LoadImageFromFile'), dict(type='rsp.LoadMaskAnnotations')]


def folder(root, kind=MaskFolder, **options):
    if kind is MaskFolder:
        options.setdefault('metainfo', dict(classes=('ground', 'building')))
    options = dict(data_prefix=PREFIX, pipeline=LOAD) | options
    return kind(data_root=str(root), **options)


def test_pairs_are_listed_by_name_in_order_with_the_keys_of_mmseg(write_pairs):
    root = write_pairs('data', 'train', ['b', 'a', 'sub/c'], (0, 1), suffix='.jpg')
    data = folder(root, img_suffix='.jpg')
    paths = [data.get_data_info(i) for i in range(3)]
    assert [p['img_path'] for p in paths] == [
        str(root / 'img_dir/train' / n) for n in ('a.jpg', 'b.jpg', 'sub/c.jpg')
    ]
    assert paths[2]['seg_map_path'] == str(root / 'ann_dir/train/sub/c.png')


@pytest.mark.parametrize(
    ('kind', 'labels'),
    [
        (ISPRSFiveClasses, {0: 255, 1: 0, 2: 1, 3: 2, 4: 3, 5: 4, 6: 255}),
        (LoveDA, {0: 255, 1: 0, 2: 1, 3: 2, 4: 3, 5: 4, 6: 5, 7: 6}),
        (LevirCS, {0: 0, 1: 1, 2: 2}),
    ],
)
def test_gray_values_become_the_labels_of_the_protocol(write_pairs, kind, labels):
    """Potsdam and Vaihingen: 0 and 6 are ignored, 1..5 -> 0..4."""
    root = write_pairs('data', 'train', ['a'], list(labels), size=(40, 48))
    raw = np.array(Image.open(root / 'ann_dir/train/a.png'))
    assert set(np.unique(raw)) == set(labels)
    loaded = folder(root, kind)[0]['gt_seg_map']
    assert loaded.dtype == np.uint8
    for value, label in labels.items():
        assert (loaded[raw == value] == label).all()
    assert len(kind.METAINFO['classes']) == len(kind.METAINFO['palette'])


def test_other_gray_values_are_an_argument(write_pairs):
    root = write_pairs('data', 'train', ['a'], (0, 127, 255), size=(40, 48))
    loaded = folder(root, LevirCS, mask_values=(0, 127, 255))[0]['gt_seg_map']
    raw = np.array(Image.open(root / 'ann_dir/train/a.png'))
    expected = np.select([raw == 127, raw == 255], [1, 2], 0)
    np.testing.assert_array_equal(loaded, expected)


def test_mmsegs_own_loader_understands_the_same_map(write_pairs):
    root = write_pairs('data', 'train', ['a'], range(7), size=(40, 48))
    theirs = [dict(type='mmseg.LoadImageFromFile'), dict(type='mmseg.LoadAnnotations')]
    ours = folder(root, ISPRSFiveClasses)[0]['gt_seg_map']
    other = folder(root, ISPRSFiveClasses, pipeline=theirs)[0]['gt_seg_map']
    np.testing.assert_array_equal(ours, other)


def test_a_choice_of_classes_ignores_the_others(write_pairs):
    root = write_pairs('data', 'train', ['a'], range(8), size=(40, 48))
    data = folder(root, LoveDA, metainfo=dict(classes=('water', 'building')))
    raw = np.array(Image.open(root / 'ann_dir/train/a.png'))
    expected = np.select([raw == 4, raw == 2], [0, 1], 255)
    np.testing.assert_array_equal(data[0]['gt_seg_map'], expected)
    assert data.metainfo['palette'] == [[0, 0, 255], [255, 0, 0]]


def test_images_without_masks_are_read_where_none_are_configured(write_pairs):
    root = write_pairs('data', 'train', ['a', 'b'], (0, 1))
    data = folder(
        root,
        LoveDA,
        data_prefix=dict(img_path='img_dir/train'),
        pipeline=LOAD[:1],
    )
    assert len(data) == 2
    assert 'seg_map_path' not in data.get_data_info(0)


def test_a_list_of_names_chooses(write_pairs):
    root = write_pairs('data', 'train', ['a', 'b', 'c'], (0, 1))
    (root / 'some.txt').write_text('c\n\na\n')
    data = folder(root, ann_file='some.txt')
    names = [data.get_data_info(i)['img_path'][-5:] for i in range(len(data))]
    assert names == ['a.png', 'c.png']
    (root / 'some.txt').write_text('a\nmissing\n')
    with pytest.raises(
        FileNotFoundError, match=r'1 of 2 names have no file in .*\(missing\)'
    ):
        folder(root, ann_file='some.txt')
    with pytest.raises(FileNotFoundError, match=r'absent\.txt.*ann_file'):
        folder(root, ann_file='absent.txt')


def test_singles_are_refused_by_name(write_pairs):
    root = write_pairs('data', 'train', ['a', 'b', 'c', 'd'], (0, 1))
    (root / 'ann_dir/train/b.png').unlink()
    (root / 'img_dir/train/c.png').unlink()
    (root / 'img_dir/train/d.png').unlink()
    with pytest.raises(FileNotFoundError) as refusal:
        folder(root)
    message = str(refusal.value)
    assert f"1 of 4 names have no file in '{root}/ann_dir/train' (b)" in message
    assert f"2 of 4 names have no file in '{root}/img_dir/train' (c, d)" in message


def test_files_with_another_ending_are_not_dropped(write_pairs):
    root = write_pairs('data', 'train', ['a'], (0, 1))
    write_pairs('data', 'train', ['b'], (0, 1), suffix='.tif')
    with pytest.raises(
        ValueError, match=r'got 1 of them and 1 other .*b\.tif.*img_suf'
    ):
        folder(root)
    with pytest.raises(ValueError, match=r"ending in '\.jpg'.*got 0"):
        folder(root, img_suffix='.jpg')


def test_a_missing_folder_names_its_key(tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r'img_dir/train.*data_prefix\.img_path'
    ):
        folder(tmp_path)


@pytest.mark.parametrize(
    'options',
    [
        dict(mask_values=(0, 1, 2)),
        dict(mask_values=(0, 0)),
        dict(mask_values=(0, 1), ignored_values=(1,)),
    ],
)
def test_values_that_do_not_fit_the_classes_are_refused(write_pairs, options):
    root = write_pairs('data', 'train', ['a'], (0, 1))
    with pytest.raises(ValueError, match='one gray value for each of 2 classes'):
        folder(root, **options)


def test_own_data_needs_class_names(write_pairs):
    root = write_pairs('data', 'train', ['a'], (0, 1))
    with pytest.raises(ValueError, match=r"set 'metainfo\.classes'"):
        folder(root, metainfo={})


def write_mask(root, pixels):
    Image.fromarray(pixels).save(root / 'ann_dir/train/a.png')


@pytest.mark.parametrize(
    ('pixels', 'message'),
    [
        (np.full((64, 72), 9, np.uint8), r'a\.png.*\[0, 1\], got also 9 \(4608 pixels'),
        (np.full((64, 72), 256, np.uint16), r'a\.png.*got also 256 \(4608 pixels\)'),
        (
            np.zeros((72, 64), np.uint8),
            r"64 x 72 pixels as in '.*a\.png', got 72 x 64",
        ),
        (np.full((64, 72, 3), (9, 0, 0), np.uint8), r"a\.png', got colors; name them"),
    ],
    ids=['unknown', 'beyond 8 bit', 'size', 'colors'],
)
def test_a_mask_that_does_not_fit_is_refused_by_file(write_pairs, pixels, message):
    root = write_pairs('data', 'train', ['a'], (0, 1))
    write_mask(root, pixels)
    with pytest.raises(ValueError, match=message):
        folder(root)[0]


def test_the_size_is_that_of_the_file_not_of_the_resized_image(write_pairs):
    root = write_pairs('data', 'train', ['a'], (0, 1))
    resize = dict(type='mmseg.Resize', scale=(30, 32), keep_ratio=False)
    data = folder(root, pipeline=[LOAD[0], resize, LOAD[1]])[0]
    assert data['img'].shape == (32, 30, 3)
    assert data['gt_seg_map'].shape == (64, 72)


@pytest.mark.parametrize('kind', ['img_dir', 'ann_dir'])
def test_a_broken_file_is_named(write_pairs, kind):
    root = write_pairs('data', 'train', ['a'], (0, 1))
    (root / kind / 'train/a.png').write_bytes(b'no image')
    with pytest.raises(ValueError, match=rf"{kind}/train/a\.png' .*repair"):
        folder(root)[0]


def test_masks_of_palettes_and_of_one_bit_load(write_pairs):
    root = write_pairs('data', 'train', ['a'], (0, 1))
    pixels = np.zeros((64, 72), np.uint8)
    pixels[:20] = 1
    palette = Image.fromarray(pixels, mode='L').convert('P')
    palette.putdata(pixels.ravel().tolist())
    palette.putpalette([0, 0, 0, 255, 0, 0])
    for image in (palette, Image.fromarray(pixels.astype(bool))):
        image.save(root / 'ann_dir/train/a.png')
        np.testing.assert_array_equal(folder(root)[0]['gt_seg_map'], pixels)


def test_gray_values_are_replaced_at_once_not_one_after_the_other():
    mask = np.array([[0, 1, 2], [2, 1, 0]], np.uint8)
    swapped = gray_to_labels(mask, {0: 2, 1: 0, 2: 1})
    np.testing.assert_array_equal(swapped, [[2, 0, 1], [1, 0, 2]])
    np.testing.assert_array_equal(mask, [[0, 1, 2], [2, 1, 0]])


def test_many_unknown_values_are_counted_not_all_listed():
    mask = np.arange(20, dtype=np.uint8).reshape(4, 5)
    with pytest.raises(ValueError, match=r'2 \(1 pixels\), .* and 10 more'):
        gray_to_labels(mask, {0: 0, 1: 1})


def test_the_loader_compares_with_an_image_that_is_not_loaded(write_pairs):
    root = write_pairs('data', 'train', ['a'], (0, 1))
    info = folder(root).get_data_info(0)
    assert LoadMaskAnnotations()(dict(info))['gt_seg_map'].shape == (64, 72)
    write_mask(root, np.zeros((72, 64), np.uint8))
    with pytest.raises(ValueError, match=r'64 x 72 pixels as in .*, got 72 x 64'):
        LoadMaskAnnotations()(dict(info))


RED, BLUE, GRAY = (255, 0, 0), (0, 0, 255), (90, 90, 90)
COLORS = dict(ground=BLUE, building=(RED, (250, 5, 0)))


def paint(root, suffix='.png'):
    """A mask of four stripes: blue, red, gray, another red; and its labels."""
    stripes = np.repeat([0, 1, 2, 3], 16)[:, None] * np.ones((1, 72), int)
    pixels = np.array([BLUE, RED, GRAY, (250, 5, 0)], np.uint8)[stripes]
    (root / 'ann_dir/train/a.png').unlink()
    Image.fromarray(pixels).save(root / f'ann_dir/train/a{suffix}')
    return pixels, np.array([0, 1, 255, 1])[stripes]


def test_colors_become_labels_by_the_table_of_the_config(write_pairs):
    root = write_pairs('data', 'train', ['a'], (0, 1))
    pixels, labels = paint(root)
    data = folder(root, colors=COLORS, ignored_colors=[GRAY])
    assert data[0]['gt_seg_map'].dtype == np.uint8
    np.testing.assert_array_equal(data[0]['gt_seg_map'], labels)
    # Also those of a palette, and beside transparency.
    for image in (
        Image.fromarray(pixels).quantize(8, dither=Image.Dither.NONE),
        Image.fromarray(pixels).convert('RGBA'),
    ):
        image.save(root / 'ann_dir/train/a.png')
        np.testing.assert_array_equal(data[0]['gt_seg_map'], labels)
    # Names, not places, say which color is which.
    turned = dict(reversed(COLORS.items()))
    other = folder(root, colors=turned, ignored_colors=[GRAY])
    np.testing.assert_array_equal(other[0]['gt_seg_map'], labels)


def test_colors_of_a_geotiff(write_pairs):
    pytest.importorskip('rasterio', reason="needs the 'geo' extra")
    root = write_pairs('data', 'train', ['a'], (0, 1))
    _, labels = paint(root, '.tif')
    data = folder(root, colors=COLORS, ignored_colors=[GRAY], seg_map_suffix='.tif')
    np.testing.assert_array_equal(data[0]['gt_seg_map'], labels)


def test_an_unknown_color_is_refused_with_file_color_and_count(write_pairs):
    root = write_pairs('data', 'train', ['a'], (0, 1))
    paint(root)
    data = folder(root, colors=COLORS)
    with pytest.raises(
        ValueError, match=r"a\.png'.*also \(90, 90, 90\) \(1152 pixels\); name them"
    ):
        data[0]
    # The remedy.
    assert folder(root, colors=COLORS, ignored_colors=[GRAY])[0]


def test_colors_that_jpeg_has_changed_are_told_with_the_remedy(write_pairs):
    root = write_pairs('data', 'train', ['a'], (0, 1))
    paint(root, '.jpg')
    options = dict(colors=COLORS, ignored_colors=[GRAY])
    with pytest.raises(ValueError, match='as JPEG and resizing leave colors: save'):
        folder(root, seg_map_suffix='.jpg', **options)[0]


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(colors=dict(ground=BLUE)), "'colors' by the names of the classes"),
        (dict(colors=COLORS, mask_values=(0, 1)), "no 'mask_values'"),
        (dict(colors=COLORS | dict(ground=RED)), r'got \(255, 0, 0\) twice'),
        (dict(colors=COLORS, ignored_colors=[BLUE]), r'got \(0, 0, 255\) twice'),
        (dict(colors=COLORS | dict(ground=(1, 2))), 'red, green and blue, 0 to 255'),
        (dict(colors=COLORS | dict(ground=[(1, 2, 256)])), 'red, green and blue'),
        (dict(reduce_zero_label=True), "expected no reduce_zero_label .*'ignored_val"),
        (dict(ignore_index=0), "ignore_index .*'ignored_values'"),
    ],
)
def test_tables_that_contradict_are_refused(write_pairs, options, message):
    root = write_pairs('data', 'train', ['a'], (0, 1))
    with pytest.raises(ValueError, match=message):
        folder(root, **options)


def test_the_loader_does_not_reduce_labels_silently():
    with pytest.raises(ValueError, match="set 'ignored_values' of the data set"):
        LoadMaskAnnotations(reduce_zero_label=True)


def test_gray_masks_of_three_channels_of_16_bits_and_of_tiff_load(write_pairs):
    root = write_pairs('data', 'train', ['a'], (0, 1))
    pixels = np.zeros((64, 72), np.uint8)
    pixels[:20] = 1
    for image in (np.dstack([pixels] * 3), pixels.astype(np.uint16)):
        Image.fromarray(image).save(root / 'ann_dir/train/a.png')
        np.testing.assert_array_equal(folder(root)[0]['gt_seg_map'], pixels)
    pytest.importorskip('rasterio', reason="needs the 'geo' extra")
    (root / 'ann_dir/train/a.png').unlink()
    Image.fromarray(pixels.astype(np.float32)).save(root / 'ann_dir/train/a.tif')
    loaded = folder(root, seg_map_suffix='.tif')[0]['gt_seg_map']
    np.testing.assert_array_equal(loaded, pixels)


def test_values_of_16_bits_stand_for_classes_too():
    mask = np.array([[1000, 2000], [-1, 2.5]])
    np.testing.assert_array_equal(
        gray_to_labels(mask[:1].astype(np.uint16), {1000: 0, 2000: 255}), [[0, 255]]
    )
    with pytest.raises(ValueError, match=r'-1\.0 \(1 pixels\), 2\.5 \(1 pixels\)'):
        gray_to_labels(mask, {1000: 0, 2000: 1})
