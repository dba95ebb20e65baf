"""The launcher and its processes end together, with one cause and one status."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

LAUNCHER = Path(__file__).parents[2] / 'tools/run_processes.py'
# What a rank does is the line of its number in the arguments.
RANK = """
import os, signal, sys, time
# A line in one piece, whatever the other one writes.
os.write(1, f'pid {os.environ["RANK"]} {os.getpid()}\\n'.encode())
exec(sys.argv[1 + int(os.environ['RANK'])])
"""
WAIT = 'time.sleep(60)'
SAVE = """
def stop(number, frame):
    time.sleep(0.2)
    os.write(1, f'saved after {signal.Signals(number).name}\\n'.encode())
    os._exit(75)
for name in ('SIGTERM', 'SIGINT', 'SIGUSR1'):
    signal.signal(getattr(signal, name), stop)
os.write(1, b'ready\\n')
time.sleep(60)
"""


@pytest.fixture
def start(tmp_path):
    script = tmp_path / 'rank.py'
    script.write_text(RANK)
    started = []

    def start(*ranks, nodes=1):
        command = [sys.executable, str(LAUNCHER), f'--nnodes={nodes}', '--node_rank=0']
        command += ['--master_addr=127.0.0.1', '--master_port=1']
        command += [f'--nproc_per_node={len(ranks)}', str(script), *ranks]
        pipes = dict(stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        started.append(subprocess.Popen(command, **pipes))
        return started[-1]

    yield start
    for launcher in started:
        if launcher.poll() is None:
            launcher.kill()
        launcher.communicate()


def pids(output):
    return [int(line.split()[2]) for line in output.splitlines() if 'pid' in line]


def is_running(pid):
    try:
        return (
            Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[0] != 'Z'
        )
    except OSError:
        return False


def test_processes_know_who_they_are(start):
    line = "print(*(os.environ[n] for n in ('RANK', 'LOCAL_RANK', 'WORLD_SIZE')))"
    launcher = start(line, line, nodes=2)
    output, _ = launcher.communicate(timeout=30)
    assert launcher.returncode == 0
    assert {'0 0 4', '1 1 4'} <= set(output.splitlines())


@pytest.mark.parametrize(
    ('end', 'status', 'cause'),
    [
        ('os.kill(os.getpid(), 9)', 137, 'was killed by SIGKILL, as the system does'),
        ('sys.exit(3)', 3, 'ended with exit code 3; its own message'),
    ],
)
def test_one_that_dies_is_named_first_and_ends_the_job(start, end, status, cause):
    launcher = start(WAIT, end)
    output, errors = launcher.communicate(timeout=30)
    assert launcher.returncode == status
    assert errors.startswith('error: rank 1 of 2 (pid ')
    assert cause in errors.splitlines()[0]
    assert not any(map(is_running, pids(output)))


@pytest.mark.parametrize('name', ['SIGTERM', 'SIGINT', 'SIGUSR1'])
def test_signals_are_handed_on_and_the_status_is_the_processes(start, name):
    launcher = start(SAVE, SAVE)
    said = ''
    while said.count('ready') < 2:
        line = launcher.stdout.readline()
        assert line, launcher.communicate()
        said += line
    for _ in range(2):  # A second signal does no harm.
        launcher.send_signal(getattr(signal, name))
        time.sleep(0.05)
    output, errors = launcher.communicate(timeout=30)
    assert launcher.returncode == 75, errors
    assert output.count('saved after ' + name) == 2
    assert not any(map(is_running, pids(said)))


def test_one_that_was_stopped_and_saved_stops_the_others(start):
    launcher = start(SAVE, 'time.sleep(1); os._exit(75)')
    output, errors = launcher.communicate(timeout=30)
    assert launcher.returncode == 75
    assert 'saved after SIGTERM' in output
    assert errors == ''


def test_one_that_ignores_signals_is_killed(start, monkeypatch, tmp_path):
    text = LAUNCHER.read_text()
    quick = tmp_path / 'quick.py'
    quick.write_text(
        text.replace('TO_SAVE, TO_LEAVE = 60, 10', 'TO_SAVE, TO_LEAVE = 1, 1')
    )
    assert quick.read_text() != text
    monkeypatch.setitem(globals(), 'LAUNCHER', quick)
    launcher = start('signal.signal(15, signal.SIG_IGN); print("ready"); ' + WAIT)
    lines = iter(launcher.stdout.readline, '')
    assert any('ready' in line for line in lines)
    launcher.send_signal(signal.SIGTERM)
    launcher.communicate(timeout=30)
    assert launcher.returncode == 128 + 9


def test_a_failure_before_a_signal_is_not_hidden(start):
    assert os.name == 'posix'
    launcher = start('sys.exit(0)', 'sys.exit(5)')
    launcher.communicate(timeout=30)
    assert launcher.returncode == 5
