import pytest

from rsp.evaluation.comparison import summarize
from rsp.visualization.figures.curves import plot_comparison

RUNS = dict(
    random=[dict(knn=40.0, linear=50.0), dict(knn=44.0, linear=51.0)],
    pretrained=[dict(knn=60.0, linear=66.0)],
)


@pytest.mark.parametrize('lengths', [(3,), (3, 3), (3, 2)])
def test_the_figure_is_drawn_for_any_seeds(tmp_path, lengths):
    names = ('loss_contrast', 'loss_supervised', 'contrast_top1', 'supervised_top1')
    curves = [
        {name: (list(range(n)), [float(i) for i in range(n)]) for name in names}
        for n in lengths
    ]
    plot_comparison(tmp_path / 'figure.png', curves, summarize(RUNS), num_classes=10)
    assert (tmp_path / 'figure.png').read_bytes().startswith(b'\x89PNG')
