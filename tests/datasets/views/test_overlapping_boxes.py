import numpy as np
import pytest
import torch
from mmpretrain.datasets import MultiView

from rsp.datasets.views import CropToBox, MaskedTwoCrop, SampleOverlappingBoxes
from rsp.datasets.views.overlap import overlap


def places(height=48, width=64):
    """An image whose pixels hold their row and column."""
    rows, columns = np.mgrid[:height, :width].astype(np.uint8)
    return np.stack([rows, columns, rows * 0], axis=-1)


def test_boxes_overlap_and_follow_numpys_generator():
    draw = SampleOverlappingBoxes(least=0.4, measure='share')
    drawn = []
    for _ in range(2):
        np.random.seed(3)
        drawn.append([draw(dict(img=places()))['view_boxes'] for _ in range(20)])
    assert drawn[0] == drawn[1]
    assert len(set(drawn[0])) == 20
    assert all(overlap(*pair, 'share') >= 0.4 for pair in drawn[0])


def test_views_are_cut_at_their_boxes():
    cut = [[dict(type='rsp.CropToBox', view=view, size=16)] for view in range(2)]
    boxes = ((4, 8, 16, 16), (10, 30, 16, 16))
    image = places()
    views = MultiView(cut, [1, 1])(dict(img=image, view_boxes=boxes))['img']
    for view, (top, left, height, width) in zip(views, boxes, strict=True):
        assert (view == image[top : top + height, left : left + width]).all()


def test_a_view_is_resized():
    results = CropToBox(1, 20)(
        dict(img=places(), view_boxes=((0, 0, 8, 8), (4, 8, 40, 40)))
    )
    assert results['img'].shape == (20, 20, 3)
    assert results['img_shape'] == (20, 20)
    # Two pixels to one: values are means of their places.
    assert abs(int(results['img'][0, 0, 0]) - 4) <= 1
    assert abs(int(results['img'][19, 19, 1]) - 47) <= 1


@pytest.mark.parametrize('flip', [0.0, 1.0])
def test_masked_crops_know_the_boxes_that_were_given(flip):
    """Positions are rows and columns of the very pixels."""
    views = MaskedTwoCrop(
        size=32, mask_patch_size=16, stride=16, flip_prob=flip, resize_first=False
    )
    boxes = ((4, 8, 32, 32), (10, 30, 32, 32))
    results = views(dict(img=places(), view_boxes=boxes))
    for view, cells in zip(results['img'], results['positions'], strict=True):
        blocks = torch.from_numpy(view[..., :2].astype(np.float32))
        means = blocks.view(2, 16, 2, 16, 2).mean(dim=(1, 3))
        torch.testing.assert_close(cells, means + 0.5)


def test_boxes_need_views_of_their_number_and_all_pixels():
    pair = dict(img=places(), view_boxes=((0, 0, 8, 8), (0, 0, 8, 8)))
    for wrong in (dict(), dict(resize_first=False, transforms=[[]])):
        with pytest.raises(ValueError, match='resize_first=False and 2 lists'):
            MaskedTwoCrop(size=32, **wrong)(dict(pair))
    with pytest.raises(ValueError, match="expects 'view_boxes'"):
        CropToBox(0)(dict(img=places()))
    with pytest.raises(ValueError, match=r"'view' .* 0, 1, got 2"):
        CropToBox(2)
