import json

import pytest

from rsp.tasks.detection import CocoDetectionDataset

CLASSES = ('ship', 'dam', 'vehicle')


@pytest.fixture
def content(write_coco):
    return write_coco('a.json', 'images', CLASSES)


@pytest.fixture
def dataset(tmp_path, content):
    """Write the changed json, and read it."""

    def build(**options):
        (tmp_path / 'a.json').write_text(json.dumps(content))
        options = dict(metainfo=dict(classes=CLASSES)) | options
        return CocoDetectionDataset(
            data_root=str(tmp_path),
            ann_file='a.json',
            data_prefix=dict(img='images'),
            **options,
        )

    return build


def test_boxes_are_corners_and_classes_places_of_the_names(dataset, content):
    """In the order of the data set, not of the json."""
    turned = tuple(reversed(CLASSES))
    read = dataset(metainfo=dict(classes=turned)).get_data_info(0)
    raw = content['annotations'][0]
    left, top, width, height = raw['bbox']
    assert read['instances'][0]['bbox'] == [left, top, left + width, top + height]
    name = CLASSES[raw['category_id'] - 7]
    assert read['instances'][0]['bbox_label'] == turned.index(name)
    assert (read['img_id'], read['width'], read['height']) == (1, 96, 80)


def test_crowded_and_ignored_boxes_are_kept_and_marked(dataset, content):
    content['annotations'][0]['iscrowd'] = 1
    content['annotations'][1]['ignore'] = True
    flags = [i['ignore_flag'] for i in dataset().get_data_info(0)['instances']]
    assert flags == [1, 1]


def test_images_without_objects_are_background_or_left_out_and_counted(
    dataset, content, monkeypatch
):
    said = []
    monkeypatch.setattr('rsp.tasks.common.report.log', said.append)
    del content['annotations'][:2]
    assert len(dataset()) == 4
    assert '4 images, 6 objects' in said[0]
    assert '1 images without objects' in said[0]
    assert len(dataset(filter_cfg=dict(filter_empty_gt=True))) == 3
    assert 'left out 1 images without objects' in said[-1]


def test_unlisted_files_and_unused_categories_are_reported(
    dataset, content, monkeypatch
):
    said = []
    monkeypatch.setattr('rsp.tasks.common.report.log', said.append)
    del content['images'][3], content['annotations'][6:]
    content['categories'].append(dict(id=0, name='everything'))
    dataset()
    assert any('1 files in' in line and 'are not in it' in line for line in said)
    assert any('that are no class: everything' in line for line in said)


@pytest.mark.parametrize(
    ('change', 'words'),
    [
        (dict(category_id=99), 'its category_id 99 is none of'),
        (dict(image_id=99), 'its image_id 99 is none of'),
        (dict(bbox=[90, 4, 9, 9]), 'outside the image of 96 x 80'),
        (dict(bbox=[9, 4, 0, 9]), 'has no area'),
        (dict(bbox=[9, 4, -5, 9]), 'has no area'),
        (dict(bbox=[9, 4, 5]), 'width and height as its bbox, got [9, 4, 5]'),
        (dict(bbox=None), 'as its bbox, got None'),
        (dict(bbox=[9, 4, '5', 6]), "got [9, 4, '5', 6]"),
        (dict(id=2), 'annotation 2: two have this id'),
    ],
)
def test_a_bad_annotation_is_refused_with_its_number(dataset, content, change, words):
    content['annotations'][2] |= change
    with pytest.raises(ValueError, match='1 problem in') as refusal:
        dataset()
    number = content['annotations'][2]['id']
    assert f'annotation {number}: ' in str(refusal.value)
    assert words in str(refusal.value)


@pytest.mark.parametrize(
    ('kind', 'key', 'words'),
    [
        ('annotations', 'bbox', "annotation 3: no 'bbox'; add it"),
        ('images', 'file_name', "image 3: no 'file_name'; add it"),
        ('categories', 'id', "category in place 2: no 'id'; add it"),
    ],
)
def test_an_entry_that_lacks_what_is_read_is_refused(
    dataset, content, kind, key, words
):
    del content[kind][2][key]
    with pytest.raises(ValueError, match=words):
        dataset()


def test_another_name_of_a_class_is_refused_and_can_be_mapped(dataset, content):
    content['categories'][2]['name'] = 'Vehicle'
    with pytest.raises(ValueError, match="nearest: 'vehicle'"):
        dataset()
    assert len(dataset(aliases={'Vehicle': 'vehicle'})) == 4


def test_boxes_are_cut_only_when_asked(dataset, content):
    content['annotations'][0]['bbox'] = [90, 4, 20, 9]
    content['annotations'][1]['bbox'] = [96, 4, 20, 9]
    with pytest.raises(ValueError, match='2 problems'):
        dataset()
    (remaining,) = dataset(cut_boxes=True).get_data_info(0)['instances']
    assert remaining['bbox'] == [90, 4, 96, 13]


def test_rounding_in_left_plus_width_is_no_fault(dataset, content):
    content['annotations'][0]['bbox'] = [95.7, 4, 0.300001, 9]
    assert len(dataset().get_data_info(0)['instances']) == 2


def test_missing_images_are_named(dataset, content, tmp_path):
    (tmp_path / 'images' / '3.png').unlink()
    with pytest.raises(FileNotFoundError, match=r"3\.png' does not exist"):
        dataset()


def test_two_images_of_one_number_are_refused(dataset, content):
    content['images'][1]['id'] = 1
    with pytest.raises(ValueError, match='two images have the id 1'):
        dataset()


def test_a_missing_or_strange_json_is_refused(dataset, content, tmp_path):
    build = dict(metainfo=dict(classes=CLASSES), data_root=str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"a COCO json at '.*b\.json'"):
        CocoDetectionDataset(ann_file='b.json', **build)
    (tmp_path / 'c.json').write_text('{"images": []}')
    with pytest.raises(ValueError, match="'annotations' and 'categories'"):
        CocoDetectionDataset(ann_file='c.json', **build)
    (tmp_path / 'd.json').write_text('{"images": [')
    with pytest.raises(ValueError, match=r"d\.json' is no JSON .*cut off"):
        CocoDetectionDataset(ann_file='d.json', **build)


def test_a_json_without_images_is_refused(dataset, content):
    content['images'].clear()
    with pytest.raises(ValueError, match="its list 'images' is empty"):
        dataset()
