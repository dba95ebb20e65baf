"""DOTA's measure equals mmrotate's, and the submission is what the server wants."""

import zipfile

import numpy as np
import pytest
import torch
from mmrotate.evaluation.functional import mean_ap as theirs
from mmrotate.evaluation.metrics import DOTAMetric
from mmrotate.structures.bbox import RotatedBoxes

from rsp.tasks.common.dota import CLASSES
from rsp.tasks.oriented_detection import OrientedDOTAMetric, submission
from rsp.tasks.oriented_detection.mean_ap import mean_average_precision


class Serial:
    """Stands for mmrotate's pool of spawned processes, without the processes."""

    def __init__(self, processes):
        self.processes = processes

    def starmap(self, function, arguments):
        return [function(*a) for a in arguments]

    def close(self):
        pass


@pytest.fixture
def in_this_process(monkeypatch):
    class Context:
        Pool = Serial

    monkeypatch.setattr(theirs, 'get_context', lambda _: Context)


def scene(rng, classes=3):
    """Truth of one image, and detections near and far from it."""
    count = rng.integers(0, 7)
    objects = np.column_stack(
        [
            rng.uniform(0, 200, (count, 2)),
            rng.uniform(10, 40, (count, 2)),
            rng.uniform(-1.5, 1.5, count),
        ]
    ).astype(np.float32)
    labels = rng.integers(0, classes, count)
    ignored = rng.random(count) < 0.25
    if count:
        ignored[0] = False
    truth = dict(
        bboxes=objects[~ignored],
        labels=labels[~ignored],
        bboxes_ignore=objects[ignored],
        labels_ignore=labels[ignored],
    )
    near = objects + rng.normal(0, 2, objects.shape) * [1, 1, 1, 1, 0.05]
    boxes = np.concatenate([near + np.array([x, 0, 0, 0, 0]) for x in (0, 3, 500)])
    found = np.column_stack([boxes, rng.random(len(boxes))]).astype(np.float32)
    kinds = np.tile(labels, 3)
    return truth, [found[kinds == number] for number in range(classes)]


@pytest.mark.parametrize('eleven_points', [True, False])
@pytest.mark.parametrize('threshold', [0.5, 0.75])
def test_the_mean_is_mmrotates(in_this_process, eleven_points, threshold):
    rng = np.random.default_rng(3)
    scenes = [scene(rng) for _ in range(30)]
    truths, found = [t for t, _ in scenes], [f for _, f in scenes]
    assert any(len(t['bboxes_ignore']) for t in truths)
    expected, per_class = theirs.eval_rbbox_map(
        found,
        truths,
        iou_thr=threshold,
        use_07_metric=eleven_points,
        logger='silent',
    )
    value, ours = mean_average_precision(found, truths, threshold, eleven_points)
    assert 0.1 < value < 0.95
    assert value == pytest.approx(expected, abs=1e-7)
    for mine, his in zip(ours, per_class, strict=True):
        assert (mine['num_gts'], mine['num_dets']) == (his['num_gts'], his['num_dets'])
        assert mine['ap'] == pytest.approx(his['ap'], abs=1e-7)
        np.testing.assert_array_equal(mine['recall'], his['recall'])
        np.testing.assert_array_equal(mine['precision'], his['precision'])


def truth_of(boxes=(), labels=(), ignored=(), ignored_labels=()):
    return dict(
        bboxes=np.array(boxes, np.float32).reshape(-1, 5),
        labels=np.array(labels, int),
        bboxes_ignore=np.array(ignored, np.float32).reshape(-1, 5),
        labels_ignore=np.array(ignored_labels, int),
    )


BOX = [20, 20, 20, 10, 0.3]
NONE = np.zeros((0, 6), np.float32)


def test_the_mean_of_a_worked_example():
    """One of two ships, after one false alarm; nothing of one plane; no car at all.

    The ship is the second detection: precision 1/2 up to recall 1/2, so six of the
    eleven points are 1/2: 3/11. The class that is not there does not count.
    """
    other = [80, 80, 20, 10, 0.3]
    truths = [truth_of([BOX, other, other], [0, 0, 1])]
    ships = np.array([[*BOX, 0.4], [150, 150, 9, 9, 0, 0.8]], np.float32)
    value, classes = mean_average_precision([[ships, NONE, NONE]], truths, 0.5)
    assert classes[0]['ap'] == pytest.approx(3 / 11)
    assert value == pytest.approx(3 / 22)


def test_what_is_found_of_ignored_objects_is_ignored(in_this_process):
    """Also in an image with nothing else, which mmrotate counts as false alarms."""
    truths = [truth_of([BOX], [0]), truth_of(ignored=[BOX], ignored_labels=[0])]
    found = [
        [np.array([[*BOX, 0.5]], np.float32)],
        [np.array([[*BOX, 0.9]], np.float32)],
    ]
    assert mean_average_precision(found, truths, 0.5)[0] == pytest.approx(1)
    assert theirs.eval_rbbox_map(found, truths, logger='silent')[0] == pytest.approx(
        0.5
    )


def sample(name, boxes, scores, labels, truth=True):
    """A data sample as the evaluator hands it over."""
    empty = dict(bboxes=RotatedBoxes(torch.zeros(0, 5)), labels=torch.zeros(0).long())
    return dict(
        img_id=name,
        gt_instances=empty if truth else {},
        ignored_instances=empty if truth else {},
        pred_instances=dict(
            bboxes=torch.tensor(boxes, dtype=torch.float32).reshape(-1, 5),
            scores=torch.tensor(scores, dtype=torch.float32),
            labels=torch.tensor(labels, dtype=torch.long),
        ),
    )


def metric(kind=OrientedDOTAMetric, **options):
    built = kind(metric='mAP', **options)
    built.dataset_meta = dict(classes=CLASSES)
    return built


def run(built, samples):
    built.process({}, samples)
    return built.evaluate(len(samples))


# Three patches of one image and one of another: a plane in the overlap, a ship twice as
# likely, and a plane of the other image at the same place.
PATCHES = [
    (
        'P1__1024__0___0',
        [[900, 50, 40, 20, 0.5], [10, 10, 8, 4, 0]],
        [0.9, 0.3],
        [0, 6],
    ),
    ('P1__1024__824___0', [[76.5, 50.2, 40, 20, 0.5]], [0.81236], [0]),
    ('P1__1024__824___1000', [[10, 10, 8, 4, 0]], [0.6], [6]),
    ('P2__1024__0___0', [[900, 50, 40, 20, 0.5]], [0.7], [0]),
]


def read_zip(file):
    with zipfile.ZipFile(file) as archive:
        return {
            name: archive.read(name).decode().splitlines()
            for name in archive.namelist()
        }


def test_the_zip_is_what_the_server_wants(tmp_path):
    built = metric(
        format_only=True,
        merge_patches=True,
        outfile_prefix=str(tmp_path / 'a' / 'entry'),
    )
    assert run(built, [sample(*p, truth=False) for p in PATCHES]) == {}
    files = read_zip(tmp_path / 'a' / 'entry' / 'entry.zip')
    assert set(files) == {f'Task1_{name}.txt' for name in CLASSES}
    assert len(files) == 15
    for name, lines in files.items():
        assert (tmp_path / 'a' / 'entry' / name).read_text().splitlines() == lines
        assert not lines or name in ('Task1_plane.txt', 'Task1_ship.txt')

    # The duplicate in the overlap is gone: the better one stays.
    planes = [line.split(' ') for line in files['Task1_plane.txt']]
    assert [line[:2] for line in planes] == [['P1', '0.9000'], ['P2', '0.7000']]
    dx, dy = 20 * np.cos(0.5), 20 * np.sin(0.5)
    ex, ey = -10 * np.sin(0.5), 10 * np.cos(0.5)
    corners = [(a * dx + b * ex, a * dy + b * ey) for a in (-1, 1) for b in (-1, 1)]
    wanted = np.array(sorted(corners)) + np.array([900, 50])
    found = sorted(map(tuple, np.array(planes[0][2:], float).reshape(4, 2)))
    np.testing.assert_allclose(found, wanted, atol=0.006)
    # Moved by the patch's offset.
    ships = [line.split(' ') for line in files['Task1_ship.txt']]
    assert [line[:2] for line in ships] == [['P1', '0.6000'], ['P1', '0.3000']]
    xs = np.array(ships[0][2:], float).reshape(4, 2)
    np.testing.assert_allclose(xs.mean(axis=0), [834, 1010], atol=0.01)


def test_the_zip_is_mmrotates_up_to_the_decimals_of_scores(tmp_path):
    rng = np.random.default_rng(0)
    samples = []
    for x in (0, 824):
        for y in (0, 824, 1000):
            boxes = np.column_stack(
                [rng.uniform(0, 1024, (80, 2)), rng.uniform(20, 120, (80, 2)),
                 rng.uniform(-1.5, 1.5, 80)]
            )  # fmt: skip
            scores, labels = rng.random(80), rng.integers(0, 15, 80)
            samples.append(sample(f'P5__1024__{x}___{y}', boxes, scores, labels))
    for kind, name in ((OrientedDOTAMetric, 'ours'), (DOTAMetric, 'theirs')):
        folder = str(tmp_path / name)
        options = dict(format_only=True, merge_patches=True, outfile_prefix=folder)
        run(metric(kind, **options), samples)
    ours = read_zip(tmp_path / 'ours' / 'ours.zip')
    expected = read_zip(tmp_path / 'theirs' / 'theirs.zip')
    assert set(ours) == set(expected)
    assert 200 < sum(map(len, ours.values())) < 480, 'some, not all, are duplicates'
    for name in ours:
        mine = [line.split() for line in ours[name]]
        his = [line.split() for line in expected[name]]
        assert [line[0] for line in mine] == [line[0] for line in his]
        scores = [float(line[1]) for line in mine]
        assert scores == sorted(scores, reverse=True)
        np.testing.assert_allclose(
            scores, [float(line[1]) for line in his], atol=0.00501
        )
        np.testing.assert_allclose(
            np.array([line[2:] for line in mine], float).reshape(-1, 8),
            np.array([line[2:] for line in his], float).reshape(-1, 8),
            atol=0.011,
        )


def test_whole_images_are_written_as_they_are(tmp_path):
    folder = tmp_path / 'entry'
    built = metric(format_only=True, outfile_prefix=str(folder))
    run(built, [sample('00012', [BOX, BOX], [0.5, 0.25], [3, 3], truth=False)])
    lines = (folder / 'Task1_ground-track-field.txt').read_text().splitlines()
    assert [line.split()[:2] for line in lines] == [
        ['00012', '0.5000'],
        ['00012', '0.2500'],
    ]


def test_a_submission_needs_a_new_folder_before_it_starts(tmp_path):
    with pytest.raises(ValueError, match='pass --format-only PREFIX'):
        metric(format_only=True)
    with pytest.raises(ValueError, match='expected a new folder'):
        metric(format_only=True, outfile_prefix=str(tmp_path))
    with pytest.raises(ValueError, match='expected a new folder'):
        submission.write({}, CLASSES, tmp_path)


def test_an_unknown_mode_is_refused():
    with pytest.raises(ValueError, match=r"'eval_mode' .*'11points'.*12"):
        OrientedDOTAMetric(eval_mode=12)


def test_images_without_labels_cannot_be_scored():
    with pytest.raises(ValueError, match="'P1__1024__0___0' has none"):
        run(metric(), [sample(*PATCHES[0], truth=False)])


def test_a_patch_that_is_none_is_named(tmp_path):
    built = metric(
        format_only=True, merge_patches=True, outfile_prefix=str(tmp_path / 'x')
    )
    with pytest.raises(ValueError, match=r"expected a patch .*'P1'"):
        run(built, [sample('P1', [BOX], [0.5], [3], truth=False)])


def test_the_metric_scores_in_this_process(monkeypatch):
    """No spawned pool, which would start a script without a main guard again."""

    def refuse(_):
        raise AssertionError('a pool was asked for')

    monkeypatch.setattr(theirs, 'get_context', refuse)
    found = sample('P1__1024__0___0', [BOX], [0.5], [3])
    found['gt_instances'] = dict(
        bboxes=RotatedBoxes(torch.tensor([BOX])), labels=torch.tensor([3])
    )
    result = run(metric(iou_thrs=[0.5, 0.75]), [found])
    assert result == {'dota/mAP': 1.0, 'dota/AP50': 1.0, 'dota/AP75': 1.0}
