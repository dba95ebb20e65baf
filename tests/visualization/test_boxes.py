import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData
from PIL import Image

from rsp.tasks.detection import BoxVisualizer
from rsp.visualization.boxes import lighten
from rsp.visualization.panels import GAP, LIGHT

HEIGHT, WIDTH = 120, 110
RED, BLUE = (250, 60, 10), (10, 150, 250)


def instances(boxes, labels, **more):
    return InstanceData(
        bboxes=torch.tensor(boxes).float().reshape(-1, 4),
        labels=torch.tensor(labels).long(),
        **more,
    )


@pytest.fixture
def draw(tmp_path, cut_panels):
    """Return a function that draws a sample and returns its panels."""
    visualizer = BoxVisualizer(name='test', min_size=1)
    visualizer.dataset_meta = dict(classes=('car', 'tree'), palette=[RED, BLUE])

    def draw(sample, image=None, **options):
        if image is None:
            image = np.full((HEIGHT, WIDTH, 3), 100, np.uint8)
        file = tmp_path / 'picture.png'
        visualizer.add_datasample('a', image, sample, out_file=str(file), **options)
        picture = np.asarray(Image.open(file).convert('RGB')).astype(int)
        count = picture.shape[1] // image.shape[1]
        return cut_panels(picture, image.shape[:2], count, legends=True)

    return draw


def is_color(picture, color):
    """Return where a picture has a color, shape (H, W)."""
    return np.abs(picture - np.array(color)).max(axis=-1) < 30


@pytest.fixture
def sample():
    return DetDataSample(
        gt_instances=instances([[10, 20, 60, 80]], [0]),
        pred_instances=instances(
            [[12, 22, 62, 82], [70, 90, 90, 110]],
            [1, 1],
            scores=torch.tensor([0.9, 0.2]),
        ),
    )


def test_truth_is_left_in_the_color_of_its_class_and_prediction_right(draw, sample):
    truth, prediction = draw(sample)
    assert is_color(truth, RED)[20, 30]
    assert is_color(truth, RED)[50, 10]
    assert not is_color(truth, BLUE).any()
    assert is_color(prediction, BLUE)[22, 30]
    assert not is_color(prediction, RED).any()


def test_boxes_below_the_threshold_are_not_drawn(draw, sample):
    assert not is_color(draw(sample)[1], BLUE)[90, 80]
    both = draw(sample, pred_score_thr=0.1)
    assert is_color(both[1], BLUE)[90, 80]


def test_a_visualizer_has_a_threshold_of_its_own(tmp_path, sample, cut_panels):
    visualizer = BoxVisualizer(name='low', score_thr=0.1, min_size=1)
    file = tmp_path / 'low.png'
    image = np.full((HEIGHT, WIDTH, 3), 100, np.uint8)
    visualizer.add_datasample('a', image, sample, out_file=str(file))
    picture = np.asarray(Image.open(file).convert('RGB')).astype(int)
    prediction = cut_panels(picture, (HEIGHT, WIDTH), 2, legends=True)[1]
    assert is_color(prediction, (0, 224, 255))[90, 80]


def written(draw, box, count=1):
    """Return where white letters are for predictions of a score, rows and columns."""
    boxes = instances([box] * count, [1] * count, scores=torch.full((count,), 0.87))
    (panel,) = draw(DetDataSample(pred_instances=boxes))
    rows, columns = np.nonzero(is_color(panel, (255, 255, 255)))
    return rows, columns


@pytest.mark.parametrize(('top', 'above'), [(60, True), (2, False)])
def test_a_small_box_has_its_score_beside_it(draw, top, above):
    rows, columns = written(draw, [40, top, 52, top + 12])
    assert len(rows) > 0
    assert (rows < top if above else rows > top + 12).all()
    assert 36 <= columns.min() <= columns.max() < 70


def test_many_small_boxes_have_no_scores(draw):
    rows, _ = written(draw, [40, 60, 52, 72], count=51)
    assert len(rows) == 0


def test_wide_images_stand_one_above_the_other(sample):
    visualizer = BoxVisualizer(name='wide')
    picture = visualizer.compose(np.full((HEIGHT, 400, 3), 100, np.uint8), sample)
    assert picture.shape[1] == 400 + 2 * GAP
    assert picture.shape[0] > 2 * HEIGHT


def test_narrow_images_are_enlarged(sample):
    visualizer = BoxVisualizer(name='narrow', min_size=2 * WIDTH)
    picture = visualizer.compose(np.full((HEIGHT, WIDTH, 3), 100, np.uint8), sample)
    assert picture.shape[1] == 2 * (2 * WIDTH + 2 * GAP)
    truth = picture[-GAP - 2 * HEIGHT : -GAP, GAP:]
    assert is_color(truth.astype(int), (255, 224, 0))[40, 60]


def test_small_boxes_stay_free_of_text(draw):
    """Inside of a box of a vehicle's size the object is all there is to see."""
    sample = DetDataSample(
        pred_instances=instances([[40, 40, 80, 65]], [0], scores=torch.tensor([0.9]))
    )
    inside = draw(sample)[0][43:62, 43:77]
    assert (inside == 100).all()


def test_large_boxes_carry_name_and_score(draw):
    sample = DetDataSample(
        pred_instances=instances([[5, 20, 105, 110]], [0], scores=torch.tensor([0.9]))
    )
    inside = draw(sample)[0][23:107, 8:102]
    assert (inside > 200).any()


def test_ignored_boxes_are_gray(draw, sample):
    sample.ignored_instances = instances([[70, 20, 100, 50]], [0])
    assert is_color(draw(sample)[0], LIGHT)[20, 80]


def test_no_box_at_all_is_a_picture_too(draw):
    nothing = instances([], [], scores=torch.zeros(0))
    for panel in draw(DetDataSample(gt_instances=nothing, pred_instances=nothing)):
        assert (panel == 100).all()


def test_the_given_image_stays_as_it_is(draw, sample):
    image = np.full((HEIGHT, WIDTH, 3), 100, np.uint8)
    draw(sample, image=image)
    assert (image == 100).all()


def test_without_a_file_the_picture_goes_to_the_backends(sample, tmp_path):
    visualizer = BoxVisualizer(
        name='backends',
        vis_backends=[dict(type='LocalVisBackend')],
        save_dir=str(tmp_path),
    )
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    visualizer.add_datasample('a', image, sample)
    assert len(list(tmp_path.rglob('*.png'))) == 1


def test_dark_colors_are_lightened():
    navy, orange = lighten((0, 51, 153)), lighten((255, 128, 0))
    assert orange == (255, 128, 0)
    assert 0.3 * navy[0] + 0.6 * navy[1] + 0.1 * navy[2] == pytest.approx(100, abs=1)
    assert navy[2] > navy[1] > navy[0], 'still a blue'
    assert lighten((255, 255, 255)) == (255, 255, 255)
