import pytest

from rsp.visualization.panels import GAP, LINE


@pytest.fixture
def cut_panels():
    """Return a function that cuts the images out of a row of panels.

    Panels without legends of their own begin below one line of title; those with them
    end above the margin.
    """

    def cut(picture, size, count, legends=False):
        height, width = size
        step = width + 2 * GAP
        assert picture.shape[1] == count * step
        top = picture.shape[0] - GAP - height if legends else LINE
        rows = picture[top : top + height]
        return [rows[:, GAP + i * step :][:, :width] for i in range(count)]

    return cut
