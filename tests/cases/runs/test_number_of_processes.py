"""One, two and four processes learn the same from the same images."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

import rsp  # noqa: F401  first, as in conftest.py: one of four processes has none

# isort: split
sys.path.append(str(Path(__file__).parent))
from launching import LAUNCHED, finish, logged, start
from small_runs import ROOT, scalars, small_config, write_data

from rsp.engine.distributed import unwrap_model
from rsp.engine.train import build_runner

STEPS, TOGETHER = 10, 4
LOSSES = dict(
    gersp=('loss_contrast', 'loss_supervised'),
    cmid=('loss_spatial', 'loss_frequency', 'loss_global', 'loss_local'),
    cmid_swin=('loss_spatial', 'loss_frequency', 'loss_global', 'loss_local'),
    geokr=('loss_land_cover', 'loss_consistency'),
    moco=('loss',),
)
METHODS = [
    pytest.param(name, marks=[pytest.mark.slow] * (name == 'cmid_swin'))
    for name in LOSSES
]


def config(method, root, processes):
    """Two epochs of five steps of four images, by plain steps.

    Adaptive ones would make of a gradient's rounding a step of full size.
    """
    options = dict(
        train_dataloader__batch_size=TOGETHER // processes,
        train_cfg__max_epochs=2,
        default_hooks__checkpoint__interval=STEPS,
        sync_bn='torch',
        experiment_name=f'{method}_{processes}',
        optim_wrapper__optimizer=dict(
            type='SGD', lr=0.01, momentum=0.9, weight_decay=0.01, _delete_=True
        ),
    )
    if method == 'cmid_swin':
        # Drawn by each process for its own images.
        options |= dict(model__backbone__drop_path_rate=0.0)
    if method == 'geokr':
        options |= dict(train_dataloader__dataset__windows__length=STEPS * 2)
    return small_config(method, root, str(processes), **options)


def train_here(method, root, processes):
    """Train in this process, which may be one of several.

    But for GeRSP in double precision: in single one rounding grows, in ten steps with
    batch norm of four images to 1e-2 of MoCo's and GeoKR's loss, to 2e-5 of CMID's.
    """
    os.environ.setdefault('LOCAL_RANK', '0')
    torch.set_default_dtype(torch.float32 if method == 'gersp' else torch.float64)
    try:
        return train_as_told(method, root, processes)
    finally:
        torch.set_default_dtype(torch.float32)


def train_as_told(method, root, processes):
    # Configs refuse to be one of several without a launcher, which comes below.
    several = os.environ.pop('WORLD_SIZE', None)
    cfg = config(method, Path(root), processes)
    if several is not None:
        os.environ['WORLD_SIZE'] = several
    cfg.launcher = 'pytorch' if processes > 1 else 'none'
    runner = build_runner(cfg)
    runner.train()
    state = unwrap_model(runner.model).state_dict()
    return state, scalars(runner) if runner.rank == 0 else None


def assert_equal(method, ours, theirs):
    """Compare losses and the whole state, statistics, teacher and queue included."""
    (state, lines), (expected, expected_lines) = ours, theirs
    assert len(lines) == len(expected_lines) == STEPS
    for name in LOSSES[method]:
        values = pytest.approx([line[name] for line in expected_lines], rel=1e-5)
        assert [line[name] for line in lines] == values, name
    assert state.keys() == expected.keys()
    for name, tensor in expected.items():
        torch.testing.assert_close(
            state[name], tensor, rtol=1e-5, atol=1e-5, msg=lambda m, n=name: f'{n}: {m}'
        )


@pytest.fixture
def root(tmp_path):
    return write_data(tmp_path, scenes=STEPS * 2)


@pytest.mark.dist
@pytest.mark.parametrize('method', METHODS)
def test_two_processes_are_one(method, gloo, root):
    if method == 'geokr':
        pytest.importorskip('rasterio', reason="needs the 'geo' extra")
    alone = train_here(method, str(root), 1)
    first, second = gloo(train_here, method, str(root), 2)
    for name, tensor in first[0].items():
        assert torch.equal(tensor, second[0][name]), name
    assert_equal(method, first, alone)


@pytest.mark.dist
@pytest.mark.slow
@pytest.mark.parametrize('method', LOSSES)
def test_four_processes_are_one(method, root):
    if method == 'geokr':
        pytest.importorskip('rasterio', reason="needs the 'geo' extra")
    alone = train_here(method, str(root), 1)
    environment = {k: v for k, v in os.environ.items() if k not in LAUNCHED}
    environment |= dict(
        PYTHONPATH=os.pathsep.join(sys.path),
        OMP_NUM_THREADS='1',
        WORLD_SIZE='4',
        MASTER_ADDR='127.0.0.1',
        MASTER_PORT=str(free_port()),
    )
    ranks = [
        subprocess.Popen(
            [sys.executable, '-W', 'ignore', __file__, method, str(root)],
            env=environment | dict(RANK=str(rank), LOCAL_RANK=str(rank)),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=ROOT,
        )
        for rank in range(4)
    ]
    try:
        for rank in ranks:
            output, _ = rank.communicate(timeout=240)
            assert rank.returncode == 0, output[-3000:]
    finally:
        for rank in ranks:
            rank.kill()
    assert_equal(method, torch.load(root / 'four.pt', weights_only=False), alone)


@pytest.mark.dist
@pytest.mark.slow
def test_killed_on_two_processes_ends_on_one_as_if_it_never_was(root):
    """In the middle of an epoch, then of a save; the global batch is kept."""
    options = dict(
        train_dataloader__batch_size=TOGETHER // 2,
        train_cfg__max_epochs=4,
        default_hooks__checkpoint__interval=1,
        sync_bn='torch',
        optim_wrapper__optimizer=dict(
            type='SGD', lr=0.01, momentum=0.9, weight_decay=0.01, _delete_=True
        ),
    )
    files = []
    for name in ('whole', 'rest'):
        cfg = small_config('gersp', root, name, **options)
        files.append(root / f'{name}.py')
        cfg.dump(files[-1])
    finish(start(files[0], 2))

    rest = root / 'rest'
    kill_when(start(files[1], 2), lambda: (rest / 'iter_7.pth').is_file())
    assert not (rest / 'iter_15.pth').exists()
    for _ in range(5):
        for left in rest.glob('.*unfinished*'):
            left.unlink()
        kill_when(start(files[1], 2, '--resume'), lambda: is_saving(rest))
        if is_saving(rest):
            break
    else:
        pytest.fail('no kill met a save')
    done = max(int(file.stem[5:]) for file in rest.glob('iter_*.pth'))
    assert 7 <= done < 20

    command = [sys.executable, str(ROOT / 'tools/train.py'), str(files[1]), '--resume']
    command += ['--cfg-options', f'train_dataloader.batch_size={TOGETHER}']
    environment = {k: v for k, v in os.environ.items() if k not in LAUNCHED}
    output = subprocess.run(
        command, env=environment, capture_output=True, text=True, cwd=ROOT
    )
    assert output.returncode == 0, output.stderr[-3000:]
    assert 'the same items follow in the same order' in output.stdout + output.stderr

    ends = [
        torch.load(root / name / 'iter_20.pth', weights_only=False)['state_dict']
        for name in ('whole', 'rest')
    ]
    apart = {
        name: float((ends[1][name] - tensor).abs().max())
        for name, tensor in ends[0].items()
        if tensor.is_floating_point()
    }
    print('weights differ by up to', max(apart.values()))
    for name, tensor in ends[0].items():
        torch.testing.assert_close(
            ends[1][name], tensor, rtol=2e-5, atol=2e-5, msg=lambda m, n=name: n + m
        )
    whole, again = logged(root / 'whole'), logged(rest)[-(20 - done) :]
    assert [line['step'] for line in again] == [*range(done + 1, 21)]
    for name in LOSSES['gersp']:
        values = pytest.approx([line[name] for line in whole[done:]], rel=2e-5)
        assert [line[name] for line in again] == values, name


def is_saving(folder):
    return any('unfinished' in name for name in os.listdir(folder))


def kill_when(process, is_time):
    """Kill the launcher and its processes at a moment."""
    deadline = time.monotonic() + 200
    while not is_time():
        assert process.poll() is None, process.stdout.read()[-3000:]
        assert time.monotonic() < deadline
        time.sleep(0.0005)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def main():
    """Be one of the four processes."""
    method, root = sys.argv[1:]
    found = train_here(method, root, 4)
    if found[1] is not None:
        torch.save(found, Path(root) / 'four.pt')


if __name__ == '__main__':
    main()
