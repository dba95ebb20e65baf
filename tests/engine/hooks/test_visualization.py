from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from mmengine.dist import get_rank, master_only
from mmengine.visualization import Visualizer
from PIL import Image

from rsp.engine.hooks import VisualizationHook


class Recorder:
    """A visualizer that keeps what it is asked to paint."""

    def __init__(self):
        self.calls = []

    def add_datasample(self, name, image, **arguments):
        self.calls.append((name, image, arguments))


def a_test(visualizer):
    """As much of a runner as the hook asks for."""
    dataset = SimpleNamespace(metainfo=dict(classes=('land', 'water')))
    return SimpleNamespace(
        visualizer=visualizer,
        test_loop=SimpleNamespace(evaluator=None),
        test_dataloader=SimpleNamespace(dataset=dataset),
    )


@pytest.fixture
def runner():
    return a_test(Recorder())


@pytest.fixture
def samples(tmp_path):
    (tmp_path / 'a').mkdir()
    files = [tmp_path / 'a' / f'{number}.tif' for number in range(5)]
    for number, file in enumerate(files):
        Image.fromarray(np.full((4, 6, 3), (number, 0, 9), np.uint8)).save(file)
    return [SimpleNamespace(img_path=str(file)) for file in files]


def test_every_image_is_painted_with_its_truth(tmp_path, runner, samples):
    hook = VisualizationHook(str(tmp_path / 'out'))
    hook.before_test(runner)
    hook.after_test_iter(runner, 0, None, samples[:3])
    hook.after_test_iter(runner, 1, None, samples[3:])
    names, images, arguments = zip(*runner.visualizer.calls, strict=True)
    assert names == ('0', '1', '2', '3', '4')
    # As RGB, whatever the file's format.
    assert [image[0, 0].tolist() for image in images] == [[i, 0, 9] for i in range(5)]
    assert [a['data_sample'] for a in arguments] == samples
    assert all(a['draw_gt'] and a['draw_pred'] for a in arguments)
    assert arguments[4]['out_file'] == str(tmp_path / 'out/a/4.png')
    assert (tmp_path / 'out/a').is_dir()


def test_an_interval_counts_images_across_batches(tmp_path, runner, samples):
    hook = VisualizationHook(str(tmp_path / 'out'), interval=2)
    hook.before_test(runner)
    hook.after_test_iter(runner, 0, None, samples[:3])
    hook.after_test_iter(runner, 1, None, samples[3:])
    assert [name for name, *_ in runner.visualizer.calls] == ['0', '2', '4']


def test_a_test_without_predictions_is_refused(tmp_path, runner):
    del runner.test_loop.evaluator
    with pytest.raises(ValueError, match='--show-dir expects a test that predicts'):
        VisualizationHook(str(tmp_path)).before_test(runner)
    with pytest.raises(ValueError, match='at least 1, got 0'):
        VisualizationHook(str(tmp_path), interval=0)


class OfTheFirstProcess(Visualizer):
    """Does nothing in the others, as every visualizer of the mm-projects."""

    @master_only
    def add_datasample(self, name, image, out_file, **arguments):
        Path(out_file).write_text(f'{get_rank()}: {self.dataset_meta["classes"]}')


def paint_share(out, files):
    """Paint what a sampler gives this process; return what is seen afterwards."""
    hook = VisualizationHook(out)
    runner = a_test(OfTheFirstProcess())
    hook.before_test(runner)
    samples = [SimpleNamespace(img_path=file) for file in files[get_rank() :: 2]]
    hook.after_test_iter(runner, 0, None, samples)
    return runner.visualizer.dataset_meta


@pytest.mark.dist
def test_every_process_paints_its_images_and_knows_the_classes(tmp_path, samples, gloo):
    files = [sample.img_path for sample in samples]
    afterwards = gloo(paint_share, str(tmp_path / 'out'), files)
    painted = {f.stem: f.read_text() for f in (tmp_path / 'out/a').iterdir()}
    assert painted == {str(n): f"{n % 2}: ('land', 'water')" for n in range(5)}
    assert afterwards == [dict(classes=('land', 'water')), None]
