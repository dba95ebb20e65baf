import json

import pytest

from rsp.visualization.scalars import read_scalars


def write_log(work_dir, time, *records):
    log = work_dir / time / 'vis_data' / 'scalars.json'
    log.parent.mkdir(parents=True)
    log.write_text(''.join(json.dumps(record) + '\n' for record in records))


def test_curves_are_those_of_the_latest_run(tmp_path):
    write_log(tmp_path, '20250101_000000', dict(loss=9.0, step=1))
    write_log(
        tmp_path,
        '20250102_000000',
        dict(loss=3.0, step=5),
        dict(loss=2.0, lr=0.1, step=10),
        dict(accuracy=1.0),
    )
    curves = read_scalars(tmp_path)
    assert curves == dict(loss=([5, 10], [3.0, 2.0]), lr=([10], [0.1]))


def test_a_missing_log_is_named(tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r'scalars\.json.*did the training start'
    ):
        read_scalars(tmp_path)
