import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData
from PIL import Image

from rsp.tasks.detection import BoxVisualizer

HEIGHT, WIDTH = 120, 110
RED, BLUE = (250, 10, 10), (10, 10, 250)


def instances(boxes, labels, **more):
    return InstanceData(
        bboxes=torch.tensor(boxes).float().reshape(-1, 4),
        labels=torch.tensor(labels).long(),
        **more,
    )


@pytest.fixture
def draw(tmp_path):
    visualizer = BoxVisualizer(name='test')
    visualizer.dataset_meta = dict(classes=('car', 'tree'), palette=[RED, BLUE])

    def draw(sample, image=None, **options):
        if image is None:
            image = np.full((HEIGHT, WIDTH, 3), 100, np.uint8)
        file = tmp_path / 'picture.png'
        visualizer.add_datasample('a', image, sample, out_file=str(file), **options)
        return np.asarray(Image.open(file).convert('RGB')).astype(int)

    return draw


def is_color(picture, color):
    """Where a picture has a color, shape (H, W)."""
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
    picture = draw(sample)
    strips = picture.shape[0] - HEIGHT
    truth, prediction = picture[strips:, :WIDTH], picture[strips:, WIDTH + 4 :]
    assert is_color(truth, RED)[20, 30]
    assert is_color(truth, RED)[50, 10]
    assert not is_color(truth, BLUE).any()
    assert is_color(prediction, BLUE)[22, 30]
    assert not is_color(prediction, RED).any()


def test_boxes_below_the_threshold_are_not_drawn(draw, sample):
    assert not is_color(draw(sample), BLUE)[-HEIGHT + 90, WIDTH + 4 + 80]
    both = draw(sample, pred_score_thr=0.1)
    assert is_color(both, BLUE)[-HEIGHT + 90, WIDTH + 4 + 80]


def test_a_visualizer_has_a_threshold_of_its_own(tmp_path, sample):
    visualizer = BoxVisualizer(name='low', score_thr=0.1)
    file = tmp_path / 'low.png'
    image = np.full((HEIGHT, WIDTH, 3), 100, np.uint8)
    visualizer.add_datasample('a', image, sample, out_file=str(file))
    picture = np.asarray(Image.open(file).convert('RGB')).astype(int)
    assert is_color(picture, (0, 224, 255))[-HEIGHT + 90, WIDTH + 4 + 80]


def test_wide_images_stand_one_above_the_other(draw, sample):
    picture = draw(sample, image=np.full((HEIGHT, 400, 3), 100, np.uint8))
    assert picture.shape[1] == 400
    assert picture.shape[0] > 2 * HEIGHT


def test_small_boxes_stay_free_of_text(draw):
    """Inside of a box of a vehicle's size the object is all there is to see."""
    sample = DetDataSample(
        pred_instances=instances([[40, 40, 80, 65]], [0], scores=torch.tensor([0.9]))
    )
    inside = draw(sample)[-HEIGHT + 43 : -HEIGHT + 62, 43:77]
    assert (inside == 100).all()


def test_large_boxes_carry_name_and_score(draw):
    sample = DetDataSample(
        pred_instances=instances([[5, 20, 105, 110]], [0], scores=torch.tensor([0.9]))
    )
    inside = draw(sample)[-HEIGHT + 23 : -HEIGHT + 107, 8:102]
    assert (inside > 200).any()


def test_ignored_boxes_are_gray(draw, sample):
    sample.ignored_instances = instances([[70, 20, 100, 50]], [0])
    truth = draw(sample)[-HEIGHT:, :WIDTH]
    assert (truth[20, 80] == 150).all()


def test_no_box_at_all_is_a_picture_too(draw):
    nothing = instances([], [], scores=torch.zeros(0))
    picture = draw(DetDataSample(gt_instances=nothing, pred_instances=nothing))
    assert (picture[-HEIGHT:, :WIDTH] == 100).all()


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
