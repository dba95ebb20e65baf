"""Pictures of oriented boxes: what is where, and in which color."""

import cv2
import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData
from mmrotate.structures.bbox import RotatedBoxes

from rsp.tasks.oriented_detection import OrientedBoxVisualizer
from rsp.visualization.panels import GAP

ORANGE, GREEN = (255, 128, 0), (0, 255, 0)


@pytest.fixture
def paint(tmp_path, cut_panels):
    """Return a function that paints a black image; panels of the file, RGB."""
    visualizer = OrientedBoxVisualizer(name='v', min_size=1, most_scores=2)
    visualizer.dataset_meta = dict(classes=('ship', 'plane'), palette=[ORANGE, GREEN])

    def paint(sample, **options):
        file = tmp_path / 'folder' / 'picture.png'
        image = np.zeros((100, 80, 3), np.uint8)
        visualizer.add_datasample(
            'name', image, data_sample=sample, out_file=str(file), **options
        )
        picture = cv2.imread(str(file))[..., ::-1].astype(int)
        return cut_panels(picture, (100, 80), picture.shape[1] // 80, legends=True)

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


def places(image, color):
    """Rows and columns where a panel has a color."""
    near = (np.abs(image - np.array(color)).sum(axis=2) < 120).nonzero()
    return near[0], near[1]


def test_truth_is_left_and_prediction_right(paint):
    found = boxes((40, 70), scores=torch.tensor([0.9]))
    truth, prediction = paint(sample(truth=boxes((30, 20), (60, 50)), found=found))
    rows, columns = places(truth, ORANGE)
    assert (rows.min(), rows.max()) == pytest.approx((15, 25), abs=1)
    assert (columns.min(), columns.max()) == pytest.approx((20, 40), abs=1)
    rows, columns = places(prediction, ORANGE)
    assert (rows.min(), rows.max()) == pytest.approx((65, 75), abs=1)
    assert (columns.min(), columns.max()) == pytest.approx((30, 50), abs=1)
    assert len(places(truth, GREEN)[0])
    assert not len(places(prediction, GREEN)[0])


def test_a_turned_box_is_turned(paint):
    """By pi/6 clockwise on the screen, as mmrotate's angles."""
    rows, columns = places(
        paint(sample(truth=boxes((40, 50), angle=np.pi / 6)))[0], ORANGE
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
    assert not len(places(paint(sample(found=found))[0], GREEN)[0])
    assert len(places(paint(sample(found=found), pred_score_thr=0.1)[0], GREEN)[0])


def test_what_is_not_scored_is_gray(paint):
    (picture,) = paint(sample(truth=boxes(), ignored=boxes((40, 50))))
    rows, _ = places(picture, (200, 200, 200))
    assert (rows.min(), rows.max()) == pytest.approx((45, 55), abs=1)
    assert not len(places(picture, ORANGE)[0])


def test_small_images_are_enlarged_and_scores_written_while_few(paint):
    few = boxes((40, 70), scores=torch.tensor([0.9]))
    many = boxes((40, 70), (40, 70), (40, 70), scores=torch.tensor([0.9, 0.9, 0.9]))
    white = (255, 255, 255)
    assert len(places(paint(sample(found=few))[0], white)[0])
    assert not len(places(paint(sample(found=many))[0], white)[0])
    big = OrientedBoxVisualizer(name='big', min_size=200)
    big.add_datasample('n', np.zeros((100, 80, 3)), data_sample=sample(found=few))
    assert big.get_image().shape[1] == 240 + 2 * GAP


def test_images_without_truth_or_boxes_are_painted(paint):
    unlabeled = sample(found=boxes(scores=torch.zeros(0)))
    unlabeled.gt_instances = InstanceData()
    assert len(paint(unlabeled)) == 1
    assert len(paint(sample(truth=boxes(), found=boxes(scores=torch.zeros(0))))) == 2
    assert len(paint(DetDataSample())) == 1
