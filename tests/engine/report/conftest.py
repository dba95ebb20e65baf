import json

import pytest

LOG = """2026/11/27 20:31:41 - mmengine - INFO -
------------------------------------------------------------
System environment:
    Python: 3.11.7 (main) [GCC 12.2.0]
    PyTorch: 2.13.0

Runtime environment:
    GPU number: 2
------------------------------------------------------------

2026/11/27 20:31:41 - mmengine - INFO - Config:
"""


@pytest.fixture
def start(tmp_path):
    """Return a function that adds what one start of a run leaves in a work dir."""

    def add(
        name='20261127_203141',
        records=(),
        lines=(),
        config='train_cfg=dict(max_epochs=3)\ntrain_dataloader=dict(batch_size=8)\n',
        folder='run',
    ):
        work_dir = tmp_path / folder
        data = work_dir / name / 'vis_data'
        data.mkdir(parents=True)
        text = '\n'.join(r if isinstance(r, str) else json.dumps(r) for r in records)
        (data / 'scalars.json').write_text(text)
        body = ''.join(
            f'11/27 20:40:0{i} - mmengine - {x}\n' for i, x in enumerate(lines)
        )
        (work_dir / name / f'{name}.log').write_text(LOG + body)
        (work_dir / 'tiny.py').write_text(config)
        return work_dir

    return add


@pytest.fixture
def step():
    """Return a function that makes the record of a training step."""

    def make(number, loss, epoch=1, **more):
        times = dict(time=0.5, data_time=0.1, lr=0.1 / number)
        place = dict(epoch=epoch, iter=number, step=number)
        return dict(loss=loss, **times, **more, **place)

    return make
