"""Pictures of oriented boxes: what is where, and in which color."""

import cv2
import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData
from mmrotate.structures.bbox import RotatedBoxes

from rsp.tasks.oriented_detection import OrientedBoxVisualizer
from rsp.visualization.oriented_boxes import _light

ORANGE, GREEN = (255, 128, 0), (0, 255, 0)


@pytest.fixture
def paint(tmp_path):
    """Return a function that paints a black image and reads the file back, RGB."""
    visualizer = OrientedBoxVisualizer(name='v', longest=100, most_scores=2)
    visualizer.dataset_meta = dict(classes=('ship', 'plane'), palette=[ORANGE, GREEN])

    def paint(sample, **options):
        file = tmp_path / 'folder' / 'picture.png'
        image = np.zeros((100, 80, 3), np.uint8)
        visualizer.add_datasample(
            'name', image, data_sample=sample, out_file=str(file), **options
        )
        return cv2.imread(str(file))[..., ::-1].astype(int)

    return paint


def boxes(*centers, angle=0.0, **fields):
    rows = [[x, y, 20, 10, angle] for x, y in centers]
    tensor = torch.tensor(rows, dtype=torch.float32).reshape(-1, 5)
    return InstanceData(
        bboxes=RotatedBoxes(tensor),
        labels=torch.arange(len(rows)) % 2,
        **fields,
    )


def sample(truth=None, ignored=None, found=None):
    data = DetDataSample()
    if truth is not None:
        data.gt_instances = truth
        data.ignored_instances = boxes() if ignored is None else ignored
    if found is not None:
        data.pred_instances = found
    return data


def places(picture, color):
    """Where a color is, (rows, columns), in the image below the header."""
    image = picture[-100:]
    near = (np.abs(image - np.array(color)).sum(axis=2) < 120).nonzero()
    return near[0], near[1]


def test_truth_is_left_and_prediction_right(paint):
    found = boxes((40, 70), scores=torch.tensor([0.9]))
    picture = paint(sample(truth=boxes((30, 20), (60, 50)), found=found))
    assert picture.shape[1] == 2 * 80 + 8
    rows, columns = places(picture[:, :80], ORANGE)
    assert (rows.min(), rows.max()) == pytest.approx((15, 25), abs=1)
    assert (columns.min(), columns.max()) == pytest.approx((20, 40), abs=1)
    rows, columns = places(picture[:, 88:], ORANGE)
    assert (rows.min(), rows.max()) == pytest.approx((65, 75), abs=1)
    assert (columns.min(), columns.max()) == pytest.approx((30, 50), abs=1)
    assert len(places(picture[:, :80], GREEN)[0])
    assert not len(places(picture[:, 88:], GREEN)[0])


def test_a_turned_box_is_turned(paint):
    """By pi/6 clockwise on the screen, as mmrotate's angles."""
    rows, columns = places(
        paint(sample(truth=boxes((40, 50), angle=np.pi / 6))), ORANGE
    )
    half_width = 10 * np.cos(np.pi / 6) + 5 * np.sin(np.pi / 6)
    half_height = 10 * np.sin(np.pi / 6) + 5 * np.cos(np.pi / 6)
    assert (columns.max() - columns.min()) / 2 == pytest.approx(half_width, abs=1)
    assert (rows.max() - rows.min()) / 2 == pytest.approx(half_height, abs=1)
    # The end of the long axis that points right lies lower.
    right = columns > 44
    assert rows[right].mean() > rows[~right].mean()


def test_unsure_predictions_are_left_out(paint):
    found = boxes((40, 70), (40, 30), scores=torch.tensor([0.9, 0.2]))
    assert not len(places(paint(sample(found=found)), GREEN)[0])
    assert len(places(paint(sample(found=found), pred_score_thr=0.1), GREEN)[0])


def test_what_is_not_scored_is_gray(paint):
    picture = paint(sample(truth=boxes(), ignored=boxes((40, 50))))
    rows, _ = places(picture, (200, 200, 200))
    assert (rows.min(), rows.max()) == pytest.approx((45, 55), abs=1)
    assert not len(places(picture, ORANGE)[0])


def test_small_images_are_enlarged_and_scores_written_while_few(paint):
    few = boxes((40, 70), scores=torch.tensor([0.9]))
    many = boxes((40, 70), (40, 70), (40, 70), scores=torch.tensor([0.9, 0.9, 0.9]))
    white = (255, 255, 255)
    assert len(places(paint(sample(found=few)), white)[0])
    assert not len(places(paint(sample(found=many)), white)[0])
    big = OrientedBoxVisualizer(name='big', longest=350)
    big.add_datasample('n', np.zeros((100, 80, 3)), data_sample=sample(found=few))
    assert big.get_image().shape[1] == 240


def test_images_without_truth_or_boxes_are_painted(paint):
    unlabeled = sample(found=boxes(scores=torch.zeros(0)))
    unlabeled.gt_instances = InstanceData()
    assert paint(unlabeled).shape[1] == 80
    assert (
        paint(sample(truth=boxes(), found=boxes(scores=torch.zeros(0)))).shape[1] == 168
    )


def test_dark_colors_are_lightened():
    navy, orange = _light((0, 51, 153)), _light(ORANGE)
    assert orange == ORANGE
    assert 0.3 * navy[0] + 0.6 * navy[1] + 0.1 * navy[2] == pytest.approx(100, abs=1)
    assert navy[2] > navy[1] > navy[0], 'still a blue'
    assert _light((255, 255, 255)) == (255, 255, 255)
