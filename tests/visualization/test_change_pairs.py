"""Pictures a person can read."""

import numpy as np
import pytest
import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from PIL import Image

from rsp.tasks.change_detection import ChangeVisualizer
from rsp.visualization.change_pairs import COLORS, paint_comparison
from rsp.visualization.panels import GAP, LINE

HIT, ALARM, MISS, REST = (
    COLORS[name] for name in ('hit', 'false_alarm', 'miss', 'rest')
)


def test_hits_false_alarms_and_misses_have_their_colors():
    truth = np.array([[1, 0, 1], [0, 255, 255]])
    found = np.array([[1, 1, 0], [0, 1, 0]])
    painted = paint_comparison(found, truth).tolist()
    gray = [128] * 3
    assert painted == [
        [list(HIT), list(ALARM), list(MISS)], [list(REST), gray, gray],
    ]  # fmt: skip
    alone = paint_comparison(found, None)
    assert (alone[..., 0] == 255 * found).all()


@pytest.fixture
def pair(tmp_path):
    """A dark earlier date, a bright later one, a truth, and half of it found."""
    later = tmp_path / 'later.png'
    Image.new('RGB', (80, 64), (200, 150, 100)).save(later)
    truth, found = torch.zeros(2, 1, 64, 80, dtype=torch.long)
    truth[0, 10:30, 10:50] = 1
    found[0, 10:30, 30:70] = 1
    sample = SegDataSample(
        gt_sem_seg=PixelData(data=truth), pred_sem_seg=PixelData(data=found)
    )
    sample.set_metainfo(dict(img_path='earlier.png', img_path2=str(later)))
    return np.full((64, 80, 3), 20, np.uint8), sample


def test_the_panels_are_earlier_later_truth_and_prediction(pair, tmp_path, cut_panels):
    image, sample = pair
    file = tmp_path / 'pictures/a.png'
    file.parent.mkdir()
    ChangeVisualizer(name='panels').add_datasample(
        'a', image, data_sample=sample, draw_gt=True, draw_pred=True, show=False,
        out_file=str(file),
    )  # fmt: skip
    page = np.asarray(Image.open(file))
    scale = 4  # the width of 80 becomes more than 256
    height, width = 64 * scale, 80 * scale
    panels = [panel[::scale, ::scale] for panel in cut_panels(page, (height, width), 4)]
    assert (panels[0] == 20).all()
    assert (panels[1] == [200, 150, 100]).all()
    truth = sample.gt_sem_seg.data[0].numpy()
    assert ((panels[2] == HIT).all(axis=2) == (truth == 1)).all()
    prediction = panels[3]
    assert tuple(prediction[20, 40]) == HIT
    assert tuple(prediction[20, 60]) == ALARM
    assert tuple(prediction[20, 20]) == MISS
    assert tuple(prediction[50, 50]) == REST
    # Words above and below: not paper alone.
    for strip in (page[:LINE], page[LINE + height + GAP :]):
        assert (strip < 100).any()


def test_without_truth_there_are_three_panels_and_no_legend(pair, tmp_path):
    image, sample = pair
    del sample.gt_sem_seg
    file = tmp_path / 'b.png'
    ChangeVisualizer(name='no-truth').add_datasample(
        'b', image, sample, out_file=str(file)
    )
    page = np.asarray(Image.open(file))
    assert page.shape[1] == 3 * (80 * 4 + 2 * GAP)
    colors = {tuple(c) for c in page.reshape(-1, 3)}
    assert ALARM not in colors
    assert MISS not in colors


def test_pictures_go_to_the_backends_if_no_file_is_asked_for(pair, tmp_path):
    image, sample = pair
    visualizer = ChangeVisualizer(
        name='backend',
        vis_backends=[dict(type='LocalVisBackend')],
        save_dir=str(tmp_path),
    )
    visualizer.add_datasample('c', image, sample, step=3)
    (file,) = tmp_path.rglob('c_3.png')
    assert np.asarray(Image.open(file)).shape[1] == 4 * (80 * 4 + 2 * GAP)
