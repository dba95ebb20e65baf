import cv2
import numpy as np
import pytest
import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from rsp.tasks.segmentation import SegmentationVisualizer
from rsp.visualization.panels import HATCHED
from rsp.visualization.segmentation import MAGENTA, RED

PALETTE = [[10, 20, 30], [200, 100, 0]]


@pytest.fixture
def visualizer():
    made = SegmentationVisualizer(min_size=1)
    made.dataset_meta = dict(classes=('ground', 'building'), palette=PALETTE)
    return made


def colors(picture):
    return {tuple(c) for c in picture.reshape(-1, 3).tolist()}


def labeled(**maps):
    """A sample of label maps, (H, W)."""
    sample = SegDataSample()
    for name, labels in maps.items():
        data = torch.from_numpy(labels)[None]
        setattr(sample, f'{name}_sem_seg', PixelData(data=data))
    return sample


def test_panels_show_image_truth_prediction_and_errors(visualizer, cut_panels):
    image = np.full((6, 10, 3), 90, np.uint8)
    truth = np.zeros((6, 10), np.uint8)
    truth[:3] = 1
    pred = np.zeros_like(truth)
    pred[:, :5] = 1
    picture = visualizer.compose(image, labeled(gt=truth, pred=pred))
    shown = cut_panels(picture, (6, 10), 4)
    np.testing.assert_array_equal(shown[0], image)
    np.testing.assert_array_equal(shown[1], np.array(PALETTE, np.uint8)[truth])
    np.testing.assert_array_equal(shown[2], np.array(PALETTE, np.uint8)[pred])
    red = (shown[3] == RED).all(axis=-1)
    np.testing.assert_array_equal(red, truth != pred)


def test_ignored_pixels_are_hatched_and_never_wrong(visualizer, cut_panels):
    image = np.full((16, 16, 3), 90, np.uint8)
    truth = np.full((16, 16), 255, np.uint8)
    truth[:, 8:] = 1
    sample = labeled(gt=truth, pred=np.ones_like(truth))
    shown = cut_panels(visualizer.compose(image, sample), (16, 16), 4)
    assert colors(shown[1][:, :8]) == {(170,) * 3, (110,) * 3}
    assert colors(shown[1][:, 8:]) == {tuple(PALETTE[1])}
    assert (110,) * 3 in colors(shown[2][:, :8])
    assert RED not in colors(shown[3])


def test_the_legend_names_what_can_be_seen(visualizer):
    truth, pred = np.array([[0, 255]]), np.array([[0, 5]])
    entries = dict(visualizer._legend([truth, pred]))
    assert list(entries) == ['ground', 'output without class', 'ignored']
    assert entries['output without class'] == MAGENTA
    assert entries['ignored'] == HATCHED
    alone = visualizer._legend([np.array([[1]])])
    assert dict(alone) == {'building': tuple(PALETTE[1])}


def test_a_picture_is_written_at_the_size_of_the_image(visualizer, tmp_path):
    visualizer.min_size = 40
    sample = SegDataSample()
    sample.gt_sem_seg = PixelData(data=torch.zeros(1, 12, 20, dtype=torch.uint8))
    sample.pred_sem_seg = PixelData(data=torch.ones(1, 6, 10, dtype=torch.int64))
    image = np.zeros((6, 10, 3), np.uint8)
    file = tmp_path / 'picture.png'
    visualizer.add_datasample('x', image, data_sample=sample, out_file=str(file))
    written = cv2.cvtColor(cv2.imread(str(file)), cv2.COLOR_BGR2RGB)
    # Four panels of 10 px enlarged by 4, with margins.
    assert written.shape[1] == 4 * (40 + 16)
    assert tuple(PALETTE[1]) in colors(written)


def test_without_truth_only_the_prediction_is_drawn(visualizer, tmp_path):
    sample = SegDataSample()
    sample.pred_sem_seg = PixelData(data=torch.ones(1, 6, 10, dtype=torch.int64))
    file = tmp_path / 'picture.png'
    image = np.zeros((6, 10, 3), np.uint8)
    visualizer.add_datasample('x', image, data_sample=sample, out_file=str(file))
    assert cv2.imread(str(file)).shape[1] == 2 * (10 + 16)
