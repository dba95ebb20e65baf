"""Two runs never write into one folder; a killed one does not keep it."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from rsp.engine.processes import hold_work_dir, work_dir
from rsp.errors import UserError

# Another run, without the seconds that an import takes.
HOLDER = """
import fcntl, json, os, socket, sys
file = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
fcntl.lockf(file, fcntl.LOCK_EX)
os.write(file, json.dumps(dict(host=socket.gethostname(), pid=os.getpid())).encode())
print('held', flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    process = subprocess.Popen(
        [sys.executable, '-c', HOLDER, str(tmp_path / work_dir.NAME)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout.readline() == b'held\n'
    yield process
    process.kill()
    process.communicate()


def test_a_folder_of_a_living_run_is_refused_until_that_is_killed(tmp_path, holder):
    message = rf'another run \(host .*, pid {holder.pid}\) is alive.*another --work-dir'
    with pytest.raises(UserError, match=message) as error, hold_work_dir(tmp_path):
        pass
    assert '\n' not in str(error.value)
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with hold_work_dir(tmp_path):
        held = json.loads((tmp_path / work_dir.NAME).read_text())
        assert held['pid'] == os.getpid()
        assert held['host'] == socket.gethostname()
    with hold_work_dir(tmp_path):
        pass


def left_behind(folder, **content):
    (folder / work_dir.NAME).write_text(json.dumps(content))


def test_a_dead_run_of_another_host_is_waited_for(tmp_path, capfd):
    left_behind(tmp_path, host='elsewhere', pid=1, beats=3)
    started = time.monotonic()
    with hold_work_dir(tmp_path, beat=0.1):
        assert time.monotonic() - started >= 0.25
    assert 'left by a run on elsewhere' in capfd.readouterr().err


def test_a_living_run_of_another_host_is_refused(tmp_path):
    left_behind(tmp_path, host='elsewhere', pid=1, beats=3)
    timer = threading.Timer(
        0.2, left_behind, (tmp_path,), dict(host='elsewhere', pid=1, beats=4)
    )
    timer.start()
    with (
        pytest.raises(UserError, match=r'\(host elsewhere, pid 1\) is alive'),
        hold_work_dir(tmp_path, beat=0.4),
    ):
        pass
    timer.join()


def without_locks(*_):
    raise OSError(38, 'Function not implemented')


@pytest.mark.parametrize('alive', [True, False])
def test_without_locks_the_process_itself_is_looked_for(tmp_path, monkeypatch, alive):
    monkeypatch.setattr(work_dir.fcntl, 'lockf', without_locks)
    start = work_dir._start_of(os.getpid())
    # Of a process of the same number that started at another time, e.g. before a boot.
    start = start if alive else f'{start}0'
    left_behind(tmp_path, host=socket.gethostname(), pid=os.getpid(), start=start)
    if alive:
        with pytest.raises(UserError, match='is alive'), hold_work_dir(tmp_path):
            pass
    else:
        with hold_work_dir(tmp_path):
            pass


def test_signs_of_life_are_counted(tmp_path):
    with hold_work_dir(tmp_path, beat=0.02):
        time.sleep(0.3)
        assert json.loads((tmp_path / work_dir.NAME).read_text())['beats'] > 1


def test_half_a_file_is_no_run(tmp_path):
    (tmp_path / work_dir.NAME).write_text('{"host": "else')
    with hold_work_dir(tmp_path):
        pass


@pytest.mark.parametrize('whose', ['another program', 'this program', 'a dead one'])
def test_the_number_of_a_dead_run_may_be_given_again(tmp_path, whose):
    """The lock decides, not the number; nothing is waited for."""
    dead = subprocess.Popen([sys.executable, '-c', ''])
    dead.wait()
    pids = {'another program': os.getppid(), 'this program': os.getpid()}
    pid = pids.get(whose, dead.pid)
    start = work_dir._start_of(pid)
    left_behind(tmp_path, host=socket.gethostname(), pid=pid, start=start, beats=7)
    started = time.monotonic()
    with hold_work_dir(tmp_path, beat=5):
        assert json.loads((tmp_path / work_dir.NAME).read_text())['pid'] == os.getpid()
        assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    'content',
    [b'', b'4711\n', b'null', b'[1]', bytes(range(256)), b'{"pid": 3', b'[' * 100_000],
    ids=['empty', 'number', 'null', 'list', 'bytes', 'half', 'nested'],
)
def test_what_no_run_wrote_holds_nothing(tmp_path, content):
    (tmp_path / work_dir.NAME).write_bytes(content)
    with hold_work_dir(tmp_path):
        pass


@pytest.mark.skipif(os.name == 'nt', reason='makes a pipe and links')
@pytest.mark.parametrize('kind', ['folder', 'pipe', 'link to nothing', 'loop'])
def test_what_is_no_file_is_refused_by_name(tmp_path, kind):
    file = tmp_path / work_dir.NAME
    if kind == 'folder':
        file.mkdir()
    elif kind == 'pipe':
        os.mkfifo(file)
    else:
        file.symlink_to(file if kind == 'loop' else tmp_path / 'nowhere/x')
    with (
        pytest.raises(UserError, match=rf"'{file}'.*; remove it, or choose"),
        hold_work_dir(tmp_path),
    ):
        pass
