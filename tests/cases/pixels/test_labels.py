"""Labels that are not what they say: sizes and ids."""

import json

import numpy as np
import pytest
from PIL import Image

from rsp.registry import TRANSFORMS
from rsp.tasks.change_detection.masks import read_mask
from rsp.tasks.detection import CocoDetectionDataset, VOCDetectionDataset

# 400 wide, 300 high.
WIDE = np.full((300, 400, 3), 90, np.uint8)
GOOD_BOX = (310, 20, 390, 70)


def voc(root, width, height, **options):
    """A car whose box fits the image, and the size that the xml states."""
    for folder in ('JPEGImages', 'Annotations'):
        (root / folder).mkdir(exist_ok=True)
    Image.fromarray(WIDE).save(root / 'JPEGImages/a.jpg')
    size = f'<size><width>{width}</width><height>{height}</height></size>'
    names = ('xmin', 'ymin', 'xmax', 'ymax')
    box = ''.join(f'<{n}>{v}</{n}>' for n, v in zip(names, GOOD_BOX, strict=True))
    (root / 'Annotations/a.xml').write_text(
        f'<annotation>{size if width else ""}<object><name>car</name><bndbox>{box}'
        '</bndbox></object></annotation>'
    )
    return VOCDetectionDataset(
        data_root=str(root), metainfo=dict(classes=('car',)), **options
    )


def coco(root, images=({},), annotations=({},), categories=({},), **options):
    """One car in each of two images, with changes of each entry."""
    (root / 'images').mkdir(exist_ok=True)
    lists = dict(images=[], annotations=[], categories=[])
    for number, change in enumerate(images, start=1):
        Image.fromarray(WIDE).save(root / f'images/{number}.jpg')
        size = dict(width=400, height=300)
        lists['images'].append(
            dict(id=number, file_name=f'{number}.jpg') | size | change
        )
    for number, change in enumerate(annotations, start=1):
        ids = dict(id=number, image_id=number, category_id=7)
        lists['annotations'].append(ids | dict(bbox=[310, 20, 80, 50]) | change)
    for number, change in enumerate(categories):
        lists['categories'].append(dict(id=7 + number, name='car') | change)
    for entries in lists.values():
        for entry in entries:
            for key in [key for key, value in entry.items() if value == 'none']:
                del entry[key]
    (root / 'a.json').write_text(json.dumps(lists))
    return CocoDetectionDataset(
        data_root=str(root),
        ann_file='a.json',
        data_prefix=dict(img='images'),
        metainfo=dict(classes=('car',)),
        **options,
    )


@pytest.mark.parametrize('cut_boxes', [False, True])
@pytest.mark.parametrize('kind', ['voc', 'coco'])
def test_18_size_in_the_xml_is_wrong(tmp_path, kind, cut_boxes):
    def build(width, height):
        if kind == 'voc':
            return voc(tmp_path, width, height, cut_boxes=cut_boxes, first_pixel=0)
        size = dict(width=width, height=height)
        return coco(tmp_path, [size], cut_boxes=cut_boxes)

    with pytest.raises(ValueError, match='1 problem in') as refusal:
        build(300, 400)
    source = '<size>' if kind == 'voc' else 'the json'
    assert 'expected 400 x 300 pixels (width x height)' in str(refusal.value)
    assert f'got 300 x 400 in {source} (width and height are exchanged)' in str(
        refusal.value
    )
    assert 'cut_boxes' not in str(refusal.value)
    # The remedy: the size corrected, the box is whole.
    (data,) = build(400, 300)
    assert data['instances'][0]['bbox'] == [*GOOD_BOX]


@pytest.mark.parametrize('kind', ['voc', 'coco'])
def test_a_size_that_is_not_stated_is_that_of_the_image_as_it_is_loaded(tmp_path, kind):
    """Turned by its EXIF data, as mmcv turns it."""
    build = (
        (lambda: voc(tmp_path, '', '', first_pixel=0))
        if kind == 'voc'
        else (lambda: coco(tmp_path, [dict(width='none', height=0)]))
    )
    (data,) = build()
    assert (data['width'], data['height']) == (400, 300)
    file = tmp_path / ('JPEGImages/a.jpg' if kind == 'voc' else 'images/1.jpg')
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn

    def save(self, path, *args, **kwargs):
        original(self, path, *args, exif=exif, **kwargs)

    original, Image.Image.save = Image.Image.save, save
    try:
        with pytest.raises(ValueError, match='outside the image of 300 x 400 pixels'):
            build()
        with pytest.raises(ValueError, match='its EXIF data turn it'):
            voc(tmp_path, 400, 300) if kind == 'voc' else coco(tmp_path)
    finally:
        Image.Image.save = original
    assert file.is_file()


def test_20_json_ids_that_are_strings_or_missing(tmp_path):
    with pytest.raises(ValueError, match='1 problem in') as refusal:
        coco(tmp_path, annotations=[dict(image_id='1')])
    words = "its image_id '1' is a text, the images have numbers (1); write both as num"
    assert words in str(refusal.value)
    # Never used, and so no complaint.
    data = coco(tmp_path, [{}, {}], [dict(id='none'), dict(id='none')])
    assert [len(image['instances']) for image in data] == [1, 1]


@pytest.mark.parametrize(
    ('changes', 'words'),
    [
        (dict(images=[dict(id='1')]), 'image_id 1 is a number, the images have texts'),
        (
            dict(annotations=[dict(category_id='7')]),
            "category_id '7' is a text, the categories have numbers (7)",
        ),
        (dict(annotations=[dict(image_id='x')]), "image_id 'x' is none of 'images'"),
        (
            dict(annotations=[dict(image_id=[1])]),
            'a number or text as image_id, got [1]',
        ),
        (dict(annotations=[dict(image_id=None)]), "annotation 1: no 'image_id'"),
        (dict(images=[dict(file_name=5)]), 'expected a text as file_name, got 5'),
        (dict(images=[dict(file_name='b\\1.jpg')]), 'does not exist (write / between'),
        (dict(categories=[{}, dict(id=7)]), 'two categories have the id 7'),
        (dict(categories=[dict(name=3)]), 'expected a text as name, got 3'),
        (
            dict(categories=[dict(name=' Car')]),
            "class ' Car' is unknown; nearest: 'car'",
        ),
        (
            dict(images=[{}, dict(file_name='1.jpg')]),
            "1.jpg' is listed twice, as image 1",
        ),
        (dict(images=[{}, dict(id=1)]), 'two images have the id 1'),
        (
            dict(annotations=[{}, dict(id=1, image_id=1)]),
            'annotation 1: two have this id',
        ),
        (dict(annotations=[dict(iscrowd='maybe')]), "0 or 1 in iscrowd, got 'maybe'"),
        (dict(annotations=[dict(ignore=7)]), '0 or 1 in ignore, got 7'),
        (dict(annotations=[dict(bbox=[0.1, 0.2, 0.3, 0.1])]), 'in shares of the image'),
        (
            dict(annotations=[dict(bbox=[1, 2, float('nan'), 4])], cut_boxes=True),
            'corners that are no numbers',
        ),
        (
            dict(annotations=[dict(bbox=[90, 20, -80, 50])], cut_boxes=True),
            'right must be beyond left',
        ),
        (
            dict(annotations=[dict(bbox=[10, 20, 390, 250], area=380 * 230)]),
            '1 of 1 bboxes in',
        ),
        (
            dict(annotations=[dict(bbox=[10, 20, 30, 50], area=20 * 30)]),
            'have the area of corners x1, y1, x2, y2',
        ),
        (dict(annotations=[dict(bbox='none')]), "no 'bbox'; add it"),
        (
            dict(annotations=[dict(bbox='none', segmentation=[[1, 2, 3, 4]])]),
            'at least three corners',
        ),
    ],
)
def test_broken_entries_of_a_json_are_told_by_what_they_are(tmp_path, changes, words):
    changes = dict(images=[{}, {}]) | changes
    if len(changes['images']) < 2:
        changes['images'] = [*changes['images'], {}]
    with pytest.raises(ValueError, match=r'problem|bboxes') as refusal:
        coco(tmp_path, **changes)
    assert words in str(refusal.value)


@pytest.mark.parametrize(
    'changes',
    [
        dict(annotations=[dict(iscrowd='0', ignore='false')]),
        dict(annotations=[dict(image_id=1.0)]),
        dict(images=[dict(width='400', height=300.0)]),
        dict(categories=[dict(id=0)], annotations=[dict(category_id=0)]),
        dict(categories=[dict(id='car')], annotations=[dict(category_id='car')]),
        dict(annotations=[dict(area=1234.5)]),
        dict(
            annotations=[
                dict(
                    bbox='none',
                    segmentation=[[310, 20, 390, 20, 390, 70, 310, 70]],
                )
            ]
        ),
    ],
)
def test_unusual_entries_that_are_right_are_read(tmp_path, changes):
    (data,) = coco(tmp_path, **changes)
    (instance,) = data['instances']
    assert instance == dict(bbox=[*GOOD_BOX], bbox_label=0, ignore_flag=0)


def test_text_of_a_flag_is_not_taken_by_its_truth(tmp_path):
    """``bool('0')`` would ignore every object."""
    for value, ignored in (('0', 0), ('1', 1), ('False', 0), (True, 1), (None, 0)):
        (data,) = coco(tmp_path, annotations=[dict(iscrowd=value)])
        assert data['instances'][0]['ignore_flag'] == ignored


@pytest.fixture
def mask(tmp_path):
    """Write a mask; an upper quarter has the second value."""

    def write(low, high, name='m.png', dtype=np.uint8, **options):
        pixels = np.full((64, 64), low, dtype)
        pixels[:32, :32] = high
        Image.fromarray(pixels).save(tmp_path / name, **options)
        return tmp_path / name

    return write


@pytest.mark.parametrize('lossy', [False, True])
@pytest.mark.parametrize(
    ('high', 'dtype'), [(1, np.uint8), (255, np.uint8), (65535, np.uint16)]
)
def test_17_zero_one_masks_read_as_lossy(mask, high, dtype, lossy):
    changed = read_mask(mask(0, high, dtype=dtype), lossy)
    assert changed[:32, :32].all()
    assert changed.sum() == 32 * 32


@pytest.mark.parametrize('lossy', [False, True])
@pytest.mark.parametrize(('low', 'high'), [(0, 2), (1, 2), (0, 60), (3, 3)])
def test_masks_that_are_not_black_and_white_are_refused(mask, low, high, lossy):
    """And no remedy would turn them into "unchanged"."""
    shown = f'{low}, {high}' if low != high else str(low)
    with pytest.raises(ValueError, match=f'got {shown}; convert its values to 0'):
        read_mask(mask(low, high), lossy)


def test_zero_and_one_that_jpeg_has_blurred_are_refused(mask):
    """Nothing tells them from the noise of black."""
    for lossy in (False, True):
        with pytest.raises(ValueError, match='save it anew from its source'):
            read_mask(mask(0, 1, 'm.jpg', quality=95), lossy)
    assert not read_mask(mask(0, 0, 'black.jpg'), lossy=True).any()
    assert read_mask(mask(255, 255, 'white.jpg'), lossy=True).all()


@pytest.mark.parametrize(('values', 'fits'), [((0, 1), False), ((0, 255), True)])
def test_classes_that_jpeg_turns_into_each_other_are_refused(mask, values, fits):
    """Between 0 and 2 it leaves 1, which is a class, too."""
    pytest.importorskip('rsp.tasks.segmentation')
    load = TRANSFORMS.build(dict(type='rsp.LoadMaskAnnotations'))
    results = dict(
        seg_map_path=str(mask(*values, 'm.jpg', quality=100)),
        img_path=str(mask(3, 4, 'image.png')),
        label_map={value: label for label, value in enumerate(values)},
        seg_fields=[],
    )
    if fits:
        assert load(results)['gt_seg_map'].sum() == 32 * 32
        return
    with pytest.raises(ValueError, match=r'without losses, got a JPEG.*as PNG'):
        load(results)
    results['seg_map_path'] = str(mask(*values, 'm.png'))
    assert load(results)['gt_seg_map'].sum() == 32 * 32


def test_a_palette_of_colors_stands_for_its_numbers(tmp_path):
    """And one of grays for what it shows, whatever their order."""
    numbers = np.zeros((8, 8), np.uint8)
    numbers[:2] = 1
    for palette, changed in (
        ([0, 0, 0, 255, 0, 0], numbers),
        ([0, 0, 0, 255, 255, 255], numbers),
        ([255, 255, 255, 0, 0, 0], 1 - numbers),
    ):
        image = Image.fromarray(numbers).convert('P')
        image.putdata(numbers.ravel().tolist())
        image.putpalette(palette)
        image.save(tmp_path / 'm.png')
        np.testing.assert_array_equal(read_mask(tmp_path / 'm.png'), changed)
