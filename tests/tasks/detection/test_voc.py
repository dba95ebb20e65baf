import pytest
from PIL import Image

from rsp.tasks.detection import VOCDetectionDataset

CAR, TREE = ((11, 6, 31, 26), 'car'), ((41, 31, 51, 71), 'tree')
CLASSES = dict(classes=('tree', 'car'))


@pytest.fixture
def dataset(tmp_path):
    def build(**options):
        options = dict(metainfo=CLASSES, data_root=str(tmp_path)) | options
        return VOCDetectionDataset(**options)

    return build


@pytest.fixture
def write(write_voc):
    def write(image, objects, size=True):
        return write_voc(f'JPEGImages/{image}', objects, 'Annotations', size)

    return write


@pytest.mark.parametrize('ending', ['jpg', 'JPEG', 'png', 'tif', 'TIFF'])
def test_images_of_every_format_are_found_and_read(dataset, write, ending):
    write(f'a.{ending}', [CAR])
    pipeline = [dict(type='mmdet.LoadImageFromFile')]
    read = dataset(pipeline=pipeline)[0]
    assert read['img'].shape == (80, 96, 3)
    # The middle of the car: bright, BGR.
    assert read['img'][16, 21, 2] > 180 > 90 > read['img'][16, 21, 0]


def test_boxes_count_from_the_first_pixel_and_classes_by_place(dataset, write):
    write('a.png', [CAR, TREE])
    first, second = dataset().get_data_info(0)['instances']
    assert first == dict(bbox=[10, 5, 30, 25], bbox_label=1, ignore_flag=0)
    assert (second['bbox'], second['bbox_label']) == ([40, 30, 50, 70], 0)
    from_zero = dataset(first_pixel=0).get_data_info(0)['instances']
    assert from_zero[0]['bbox'] == [11, 6, 31, 26]


def test_a_list_file_chooses_and_orders(dataset, write, tmp_path):
    for name in 'abc':
        write(f'{name}.png', [CAR])
    (tmp_path / 'list.txt').write_text('c\n\na\n')
    ids = [info['img_id'] for info in dataset(ann_file='list.txt').load_data_list()]
    assert ids == ['c', 'a']


def test_size_comes_from_the_image_where_the_xml_has_none(dataset, write):
    write('a.tif', [CAR], size=False)
    info = dataset().get_data_info(0)
    assert (info['width'], info['height']) == (96, 80)


def test_difficult_and_tiny_boxes_are_ignored_not_dropped(dataset, write):
    file = write('a.png', [CAR, TREE])
    text = file.read_text().replace('<difficult>0', '<difficult>1', 1)
    file.write_text(text)
    flags = [i['ignore_flag'] for i in dataset().get_data_info(0)['instances']]
    assert flags == [1, 0]
    tiny = dataset(filter_cfg=dict(bbox_min_size=15)).get_data_info(0)['instances']
    assert [i['ignore_flag'] for i in tiny] == [1, 1]


def test_images_without_objects_are_background_or_left_out_and_counted(
    dataset, write, monkeypatch
):
    said = []
    monkeypatch.setattr('rsp.tasks.common.report.log', said.append)
    write('a.png', [CAR, (CAR[0], 'tree')])
    write('b.png', [])
    kept = dataset()
    assert [len(kept.get_data_info(i)['instances']) for i in range(2)] == [2, 0]
    assert (
        '2 images, 2 objects (tree 1, car 1); 1 images without objects (b)' in said[0]
    )
    assert len(dataset(filter_cfg=dict(filter_empty_gt=True))) == 1
    assert 'left out 1 images without objects (filter_cfg.filter_empty_gt)' in said[-1]
    # Scoring takes all.
    tested = dataset(filter_cfg=dict(filter_empty_gt=True), test_mode=True)
    assert len(tested) == 2


def test_small_images_are_left_out_only_when_asked_and_never_all(dataset, write):
    write('a.png', [CAR])
    assert len(dataset(filter_cfg=dict(min_size=80))) == 1
    with pytest.raises(ValueError, match='left out all 1'):
        dataset(filter_cfg=dict(min_size=81))


@pytest.mark.parametrize(
    ('box', 'name', 'words'),
    [
        (CAR[0], 'Car', ["class 'Car' is unknown", "nearest: 'car'", 'aliases=']),
        (CAR[0], 'zebra', ["class 'zebra' is unknown", 'known: tree, car']),
        ((31, 6, 11, 26), 'car', ['box (31, 6, 11, 26) in', 'has no area']),
        ((11, 6, 98, 26), 'car', ['outside the image of 96 x 80', 'cut_boxes=True']),
        ((0, 6, 31, 26), 'car', ['outside the image', 'first_pixel (now 1)']),
        (('x', 6, 31, 26), 'car', ["expected a number in <bndbox/xmin>, got 'x'"]),
        (('', 6, 31, 26), 'car', ['expected a <bndbox/xmin>, there is none']),
        (CAR[0], '', ['expected a <name>, there is none']),
    ],
)
def test_a_bad_object_is_refused_with_file_and_number(dataset, write, box, name, words):
    write('ok.png', [CAR])
    bad = write('bad.png', [CAR])
    right = ''.join(
        f'<{k}>{v}</{k}>'
        for k, v in zip(('xmin', 'ymin', 'xmax', 'ymax'), box, strict=True)
    )
    bad.write_text(
        bad.read_text().replace(
            '</annotation>',
            f'<object><name>{name}</name><bndbox>{right}</bndbox></object></annotation>',
        )
    )
    with pytest.raises(ValueError, match='1 problem in') as refusal:
        dataset()
    for word in [f"'{bad}', object 2: ", *words]:
        assert word in str(refusal.value)


def test_aliases_map_names(dataset, write):
    write('a.png', [(CAR[0], 'Car'), TREE])
    read = dataset(aliases={'Car': 'car'}).get_data_info(0)['instances']
    assert [i['bbox_label'] for i in read] == [1, 0]


def test_boxes_are_cut_only_when_asked(dataset, write):
    write('a.png', [((91, 6, 101, 26), 'car'), ((97, 6, 120, 26), 'tree')])
    with pytest.raises(ValueError, match='2 problems'):
        dataset()
    (remaining,) = dataset(cut_boxes=True).get_data_info(0)['instances']
    assert remaining['bbox'] == [90, 5, 96, 25]


def test_broken_xml_is_refused_by_name_and_line(dataset, write):
    write('a.png', [CAR]).write_text('<annotation>\n<object>')
    with pytest.raises(ValueError, match=r"a\.xml': not XML, no element found: line 2"):
        dataset()


def test_every_file_that_does_not_fit_is_named_at_once(dataset, write, tmp_path):
    for name in 'abcd':
        write(f'{name}.png', [CAR])
    (tmp_path / 'JPEGImages' / 'a.png').unlink()
    (tmp_path / 'Annotations' / 'b.xml').unlink()
    Image.new('RGB', (96, 80)).save(tmp_path / 'JPEGImages' / 'c.jpg')
    with pytest.raises(ValueError, match='3 problems') as refusal:
        dataset()
    assert f"1 of 4 names have no file in '{tmp_path}/JPEGImages' (a)" in str(
        refusal.value
    )
    assert f"1 of 4 names have no file in '{tmp_path}/Annotations' (b)" in str(
        refusal.value
    )
    assert "'c.jpg' and 'c.png' share a name" in str(refusal.value)


def test_a_name_listed_twice_is_refused(dataset, write, tmp_path):
    write('a.png', [CAR])
    (tmp_path / 'list.txt').write_text('a\na\n')
    with pytest.raises(ValueError, match=r"list\.txt' names a more than once"):
        dataset(ann_file='list.txt')


def test_an_empty_list_is_refused(dataset, write, tmp_path):
    write('a.png', [CAR])
    (tmp_path / 'list.txt').write_text('\n')
    with pytest.raises(ValueError, match='expected one name per line'):
        dataset(ann_file='list.txt')


def test_only_ten_of_many_faults_are_printed(dataset, write):
    for number in range(14):
        write(f'{number}.png', [(CAR[0], f'zebra {number}')])
    with pytest.raises(ValueError, match='14 problems') as refusal:
        dataset()
    assert str(refusal.value).count("' is unknown") == 10
    assert str(refusal.value).endswith('- ... and 4 others.')


def test_the_same_fault_is_printed_once_with_its_first_place(dataset, write):
    for name in 'abc':
        write(f'{name}.png', [(CAR[0], 'zebra'), (TREE[0], 'zebra')])
    with pytest.raises(ValueError, match='6 problems') as refusal:
        dataset()
    assert str(refusal.value).count("class 'zebra' is unknown") == 1
    assert "a.xml', object 1: class 'zebra'" in str(refusal.value)
    assert str(refusal.value).endswith('So in 5 more places.')


def test_missing_folders_and_lists_are_named(dataset, write):
    write('a.png', [CAR])
    with pytest.raises(FileNotFoundError, match=r"a list of names at '.*no\.txt"):
        dataset(ann_file='no.txt')
    with pytest.raises(FileNotFoundError, match=r"expected a folder at '.*nowhere'"):
        dataset(img_subdir='nowhere')


def test_classes_must_be_given(dataset, write):
    write('a.png', [CAR])
    with pytest.raises(ValueError, match='metainfo=dict'):
        dataset(metainfo={})


@pytest.mark.parametrize(
    ('text', 'words'),
    [
        (
            '<?xml version="1.0" encoding="latin-9x"?><annotation/>',
            'not XML, unknown enc',
        ),
        ('<annotation><objects><object/></objects></annotation>', 'move them up'),
    ],
)
def test_an_xml_that_would_read_as_background_is_refused(dataset, write, text, words):
    write('a.png', [CAR]).write_text(text)
    with pytest.raises(ValueError, match=words):
        dataset()
