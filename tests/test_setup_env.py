"""The environment script's decisions and messages; whole setups run in CI itself.

Each test works on a copy of what the script reads, so the real .venv is never touched.
"""

import hashlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).parents[1]
THIS_PYTHON = ('--python', sys.executable)  # Spares the search.
NOWHERE = 'http://127.0.0.1:9/simple'  # Nothing listens on the discard port.


def load(path: str):
    """Import a script of tools by its path."""
    spec = importlib.util.spec_from_file_location(Path(path).stem, ROOT / path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


check_env = load('tools/check_env.py')
mmcv_wheel = load('tools/environment/mmcv_wheel.py')


@pytest.fixture
def checkout(tmp_path):
    """Copy the script and what it reads, beside an empty wheel cache."""
    copy = tmp_path / 'a checkout'  # With a space, as paths of users may have.
    ignored = shutil.ignore_patterns('__pycache__')
    for name in ('tools/environment', 'requirements'):
        shutil.copytree(ROOT / name, copy / name, ignore=ignored)
    for name in ('tools/setup_env.sh', 'tools/check_env.py', 'setup.py'):
        shutil.copy2(ROOT / name, copy / name)
    roomy_disk(tmp_path / 'disk')
    return copy


def roomy_disk(folder: Path, gigabytes: int = 100) -> None:
    """Make a `df` that sees this much free space, whatever this machine has."""
    folder.mkdir()
    free = gigabytes * 1048576
    lines = f'Filesystem 1024-blocks Used Available\\nfake 0 0 {free}\\n'
    (folder / 'df').write_text(f"#!/bin/sh\nprintf '{lines}'\n")
    (folder / 'df').chmod(0o755)


@pytest.fixture
def setup(checkout):
    """Return a function that starts the script offline and returns (status, output)."""

    def run(*arguments: object, **variables: str) -> tuple[int, str]:
        command = [shutil.which('bash'), 'tools/setup_env.sh', *map(str, arguments)]
        done = subprocess.run(
            command,
            cwd=checkout,
            env=environment(checkout) | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        return done.returncode, done.stdout

    return run


def environment(checkout: Path) -> dict[str, str]:
    """Variables that keep pip from any index, configured or not."""
    left_out = ('PIP_', 'CFLAGS', 'CXX', 'MAX_JOBS')
    kept = {k: v for k, v in os.environ.items() if not k.startswith(left_out)}
    return kept | dict(
        PIP_CONFIG_FILE=os.devnull,
        PIP_INDEX_URL=NOWHERE,
        PIP_RETRIES='1',
        PIP_NO_CACHE_DIR='1',
        RSP_WHEEL_CACHE=str(checkout.parent / 'cache'),
        TMPDIR=str(checkout.parent),
        PATH=f'{checkout.parent / "disk"}:{os.environ["PATH"]}',
    )


def fake_venv(checkout: Path, tier: str) -> None:
    """Lay down what the script takes for a finished environment."""
    python = checkout / '.venv/bin/python'
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    (checkout / '.venv/pyvenv.cfg').touch()
    parts = sorted((checkout / 'requirements').glob('*.txt'))
    parts += [checkout / 'setup.py', checkout / 'tools/setup_env.sh']
    parts += sorted((checkout / 'tools/environment').glob('*.sh'))
    parts += sorted((checkout / 'tools/environment').glob('*.py'))
    digest = hashlib.sha256(f'{checkout}\n'.encode())
    for part in parts:
        digest.update(part.read_bytes())
    stamp = f'fingerprint={digest.hexdigest()}\ntier={tier}\n'
    (checkout / '.venv/.rsp-setup').write_text(stamp)


def interpreter(folder: Path, script: str) -> Path:
    """Write a program that answers in place of a Python."""
    file = folder / 'python-of-mine'
    file.write_text(f'#!/bin/sh\n{script}\n')
    file.chmod(0o755)
    return file


class TestNothingToDo:
    @pytest.mark.parametrize('flags', [(), ('--core',)])
    def test_takes_under_a_second(self, setup, checkout, flags):
        fake_venv(checkout, 'full')
        started = time.perf_counter()
        status, output = setup(*flags)
        assert status == 0
        assert 'The environment is ready: .venv (full)' in output
        assert time.perf_counter() - started < 1

    def test_core_is_not_enough_for_full(self, setup, checkout):
        fake_venv(checkout, 'core')
        assert 'ready' in setup('--core')[1]
        assert 'need a C++ compiler' in setup(*THIS_PYTHON, CXX='no-such-compiler')[1]

    @pytest.mark.parametrize('file', ['requirements/constraints.txt', 'setup.py'])
    def test_ends_with_a_changed_pin_or_package(self, setup, checkout, file):
        fake_venv(checkout, 'full')
        with (checkout / file).open('a') as text:
            text.write('# changed\n')
        assert 'need a C++ compiler' in setup(*THIS_PYTHON, CXX='no-such-compiler')[1]

    def test_ends_when_the_checkout_moves(self, setup, checkout):
        fake_venv(checkout, 'full')
        stamp = checkout / '.venv/.rsp-setup'
        elsewhere = hashlib.sha256(b'elsewhere').hexdigest()
        stamp.write_text(f'fingerprint={elsewhere}\ntier=full\n')
        assert 'need a C++ compiler' in setup(*THIS_PYTHON, CXX='no-such-compiler')[1]

    def test_ends_when_the_python_is_gone(self, setup, checkout):
        fake_venv(checkout, 'full')
        (checkout / '.venv/bin/python').unlink()
        assert 'need a C++ compiler' in setup(*THIS_PYTHON, CXX='no-such-compiler')[1]


class TestMessages:
    def test_help_shows_both_tiers(self, setup):
        status, output = setup('--help')
        assert status == 0
        assert 'setup_env.sh --core' in output
        assert 'set -e' not in output

    def test_unknown_option(self, setup):
        status, output = setup('--ful')
        assert (status, 'unknown option --ful' in output) == (1, True)

    def test_missing_compiler_names_the_packages_and_the_core_tier(self, setup):
        status, output = setup(*THIS_PYTHON, CXX='no-such-compiler')
        assert status == 1
        assert 'need a C++ compiler' in output
        assert 'apt-get install g++' in output
        assert 'dnf install gcc-c++' in output
        assert 'setup_env.sh --core' in output

    def test_unsupported_python(self, setup, tmp_path):
        old = interpreter(tmp_path, '[ "$1" = --version ] && echo Python 3.9.2; exit 1')
        status, output = setup('--python', old, '--core')
        assert status == 1
        assert 'expected Python 3.10 to 3.13' in output
        assert 'got: Python 3.9.2' in output

    def test_a_launcher_that_starts_nothing_is_passed_over(self, setup, tmp_path):
        shim = interpreter(tmp_path, 'echo "pyenv: command not found" >&2; exit 127')
        shim.rename(tmp_path / 'python3.11')
        path = f'{tmp_path}{os.pathsep}{os.environ["PATH"]}'
        _, output = setup(CXX='no-such-compiler', PATH=path)
        assert 'Python 3.1' in output
        assert str(tmp_path / 'python3.11') not in output

    def test_no_python_at_all_says_what_to_install(self, setup, tmp_path):
        tools = tmp_path / 'bin'
        tools.mkdir()
        words = (
            'bash dirname cat sha256sum cut sed head awk mktemp touch mkdir rm flock'
        )
        for name in f'{words} wc tail grep ls df sort tr'.split():
            (tools / name).symlink_to(shutil.which(name))
        status, output = setup(PATH=str(tools), PYENV_ROOT=str(tmp_path), HOME='/none')
        assert status == 1
        assert 'no Python 3.10 to 3.13' in output
        assert 'python3.11-venv' in output

    def test_a_folder_that_is_no_environment_is_left_alone(self, setup, checkout):
        (checkout / '.venv').mkdir()
        (checkout / '.venv/thesis.tex').touch()
        status, output = setup('--core')
        assert status == 1
        assert 'is no virtual environment; move it away' in output
        assert (checkout / '.venv/thesis.tex').exists()

    def test_a_wheel_cache_that_cannot_be_written(self, setup, tmp_path):
        (tmp_path / 'file').touch()
        status, output = setup(RSP_WHEEL_CACHE=str(tmp_path / 'file/cache'))
        assert status == 1
        assert 'cannot write to the wheel cache' in output
        assert 'set RSP_WHEEL_CACHE' in output

    @pytest.mark.slow  # Makes a real virtual environment.
    def test_no_network_is_told_from_a_missing_release(self, setup, checkout):
        status, output = setup('--core', *THIS_PYTHON)
        assert status == 1
        assert 'the package index cannot be reached' in output
        assert 'PIP_INDEX_URL' in output
        assert not (checkout / '.venv/.rsp-setup').exists()


def test_an_interrupted_run_leaves_no_stamp_no_process_and_no_rubbish(checkout):
    # An interpreter that is found fit and then takes its time over making the venv.
    slow = interpreter(
        checkout.parent,
        f'[ "$1" = -m ] && sleep 987.125\nexec "{sys.executable}" "$@"',
    )
    text = slow.read_text().replace(
        'exec ', f'[ "$1" = -IS ] && echo "3.11.0 {slow}" && exit 0\nexec '
    )
    slow.write_text(text)
    command = ['bash', 'tools/setup_env.sh', '--core', '--python', str(slow)]
    running = subprocess.Popen(
        command,
        cwd=checkout,
        env=environment(checkout),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with running:
        while 'virtual environment' not in running.stdout.readline():
            assert running.poll() is None
        time.sleep(0.5)
        running.send_signal(signal.SIGTERM)
        output = running.communicate(timeout=20)[0]

    assert running.returncode == 130
    assert 'run the same command again' in output
    assert not (checkout / '.venv/.rsp-setup').exists()
    assert list((checkout.parent / 'cache').glob('building.*')) == []
    assert list(checkout.parent.glob('tmp.*')) == []
    assert sleepers() == []


def sleepers() -> list[int]:
    """Processes that are still in the interrupted step."""
    found = []
    for cmdline in Path('/proc').glob('[0-9]*/cmdline'):
        try:
            words = cmdline.read_bytes().split(b'\0')
        except OSError:
            continue  # It ended meanwhile.
        if words[:2] == [b'sleep', b'987.125']:
            found.append(int(cmdline.parent.name))
    return found


def test_a_full_disk_is_told_before_anything_is_installed(setup, checkout):
    shutil.rmtree(checkout.parent / 'disk')
    roomy_disk(checkout.parent / 'disk', gigabytes=2)
    status, output = setup('--core', *THIS_PYTHON)
    assert status == 1
    assert 'expected 3 GB of free disk space' in output
    assert 'got 2 GB' in output


class TestMmcvWheel:
    def test_one_without_operators_is_refused(self, tmp_path):
        wheel = tmp_path / 'onedl_mmcv-2.3.6-py3-none-any.whl'
        with zipfile.ZipFile(wheel, 'w') as archive:
            archive.writestr('mmcv/ops/__init__.py', '')
        with pytest.raises(ValueError, match=r'without mmcv/_ext.*torch could not be'):
            mmcv_wheel.refuse_without_operators(str(wheel))

    def test_one_with_operators_passes(self, tmp_path):
        wheel = tmp_path / 'onedl_mmcv-2.3.6-cp311-cp311-linux_x86_64.whl'
        with zipfile.ZipFile(wheel, 'w') as archive:
            archive.writestr('mmcv/_ext.cpython-311-x86_64-linux-gnu.so', '')
        mmcv_wheel.refuse_without_operators(str(wheel))

    def test_half_a_file_is_refused(self, tmp_path):
        wheel = tmp_path / 'onedl_mmcv-2.3.6-cp311-cp311-linux_x86_64.whl'
        wheel.write_bytes(b'PK\x03\x04 and then the disk was full')
        with pytest.raises(ValueError, match='expected a wheel of mmcv'):
            mmcv_wheel.refuse_without_operators(str(wheel))

    def test_the_key_tells_apart_what_does_not_fit(self):
        keys = {
            mmcv_wheel.wheel_key('2.3.6', '2.13.0+cpu', 'cpu'),
            mmcv_wheel.wheel_key('2.3.7', '2.13.0+cpu', 'cpu'),
            mmcv_wheel.wheel_key('2.3.6', '2.13.1+cpu', 'cpu'),
            mmcv_wheel.wheel_key('2.3.6', '2.13.0', 'cpu'),
            mmcv_wheel.wheel_key('2.3.6', '2.13.0', 'cuda13.0-sm9.0'),
        }
        assert len(keys) == 5
        tag = f'-cp{sys.version_info.major}{sys.version_info.minor}-'
        assert all(tag in key for key in keys)


class TestBuild:
    """The step that compiles, with a stand-in for pip that hands out a ready wheel."""

    @pytest.fixture
    def build(self, checkout):
        """Return a function that builds, given what the wheel holds."""
        (checkout / '.venv/bin').mkdir(parents=True)
        (checkout / '.venv/bin/python').symlink_to(sys.executable)
        building, folder = checkout / 'building', checkout.parent / 'cache/key'
        for made in (building, folder.parent):
            made.mkdir()
        name = 'onedl_mmcv-2.3.6-cp311-cp311-linux_x86_64.whl'

        def run(content: str) -> tuple[int, str, Path]:
            with zipfile.ZipFile(checkout / name, 'w') as archive:
                archive.writestr(content, '')
            script = f"""
                source tools/setup_env.sh
                building='{building}'
                pip() {{
                    echo "pip $*; CFLAGS=$CFLAGS; FORCE_CUDA=$FORCE_CUDA"
                    cp '{checkout / name}' "$building/"
                }}
                build_operators '{folder}' cpu 2.3.6
            """
            done = subprocess.run(
                ['bash', '-c', script],
                cwd=checkout,
                env=environment(checkout),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=60,
                check=False,
            )
            return done.returncode, done.stdout, folder / name

        return run

    def test_a_wheel_with_operators_goes_to_the_cache_and_is_built_once(self, build):
        status, output, wheel = build('mmcv/_ext.cpython-311-x86_64-linux-gnu.so')
        assert status == 0, output
        assert wheel.exists()
        assert '--no-build-isolation --no-cache-dir' in output
        assert 'CFLAGS= -g0; FORCE_CUDA=0' in output
        status, output, _ = build('mmcv/_ext.cpython-311-x86_64-linux-gnu.so')
        assert status == 0
        assert 'pip wheel' not in output

    def test_one_without_operators_stops_the_setup_and_is_not_kept(self, build):
        status, output, wheel = build('mmcv/ops/__init__.py')
        assert status != 0
        assert 'expected mmcv with its C++ operators' in output
        assert not wheel.exists()


class TestDevice:
    """Operators for the GPU need a compiler of the CUDA that torch was built with."""

    @pytest.fixture
    def pretend(self, monkeypatch):
        """Return a function that sets torch's CUDA, the compiler's, and the GPUs."""

        def machine(cuda: str | None, nvcc: str, gpus: list[tuple[int, int]]) -> None:
            fake = SimpleNamespace(
                version=SimpleNamespace(cuda=cuda),
                cuda=SimpleNamespace(
                    is_available=lambda: bool(gpus),
                    device_count=lambda: len(gpus),
                    get_device_capability=lambda gpu: gpus[gpu],
                ),
            )
            monkeypatch.setitem(sys.modules, 'torch', fake)
            monkeypatch.setattr(mmcv_wheel, 'nvcc_release', lambda: nvcc)
            monkeypatch.delenv('TORCH_CUDA_ARCH_LIST', raising=False)

        return machine

    def test_a_cpu_build_of_torch_decides_alone(self, pretend):
        pretend(None, nvcc='13.0', gpus=[])
        assert mmcv_wheel.choose_device() == ('cpu', '')

    @pytest.mark.parametrize('nvcc', ['', '12.8'])
    def test_without_a_fitting_nvcc_a_note_says_what_is_lost(self, pretend, nvcc):
        pretend('13.0', nvcc, gpus=[(9, 0)])
        device, note = mmcv_wheel.choose_device()
        assert device == 'cpu'
        assert 'no nvcc of CUDA 13.0' in note
        assert '--force' in note

    def test_the_key_names_the_gpus_it_was_compiled_for(self, pretend):
        pretend('13.0', nvcc='13.1', gpus=[(9, 0), (8, 0), (9, 0)])
        assert mmcv_wheel.choose_device() == ('cuda13.0-sm8.0_9.0', '')

    def test_without_a_gpu_it_is_compiled_for_the_listed_ones(
        self, pretend, monkeypatch
    ):
        pretend('13.0', nvcc='13.0', gpus=[])
        assert mmcv_wheel.choose_device() == ('cuda13.0-sm-all', '')
        monkeypatch.setenv('TORCH_CUDA_ARCH_LIST', '8.0 9.0+PTX')
        assert mmcv_wheel.choose_device() == ('cuda13.0-sm8.0_9.0+PTX', '')

    def test_nvcc_is_asked_for_its_release(self, tmp_path, monkeypatch):
        (tmp_path / 'bin').mkdir()
        nvcc = interpreter(tmp_path, 'echo "Cuda compilation tools, release 13.0, V13"')
        nvcc.rename(tmp_path / 'bin/nvcc')
        monkeypatch.setenv('CUDA_HOME', str(tmp_path))
        assert mmcv_wheel.nvcc_release() == '13.0'


class TestTable:
    def test_pins_are_those_of_this_python(self):
        text = (
            '# comment with a==1\n'
            'numpy==2.2.6\n'
            'scipy==1.17.1; python_version >= "3.11"\n'
            'scipy==1.15.3; python_version < "3.11"\n'
        )
        scipy = '1.17.1' if sys.version_info >= (3, 11) else '1.15.3'
        assert check_env.read_pins(text) == {'numpy': '2.2.6', 'scipy': scipy}

    def test_a_missing_package_fails_only_the_tier_that_needs_it(self, monkeypatch):
        def absent(name: str) -> str:
            raise check_env.PackageNotFoundError(name)

        monkeypatch.setattr(check_env, 'version', absent)
        name = 'onedl-mmdetection'
        assert check_env.check_package(name, '3.5.1', 'full').ok is False
        assert check_env.check_package(name, '3.5.1', 'core').ok is None
        assert check_env.check_package('onedl-mmcv', '2.3.6', 'core').ok is False

    def test_the_official_line_stands_in_for_the_pinned_one(self, monkeypatch):
        installed = {'mmengine': '0.10.7', 'mmcv': '1.7.2', 'mmdet': '3.3.0'}

        def release(name: str) -> str:
            if name not in installed:
                raise check_env.PackageNotFoundError(name)
            return installed[name]

        monkeypatch.setattr(check_env, 'version', release)
        monkeypatch.setattr('rsp.compat.version', release)
        row = check_env.check_package('onedl-mmengine', '0.10.12', 'core')
        assert row == (
            *('mmengine', '0.10.7', '>=0.10,<0.11', 'imports (official line)'),
            True,
        )
        row = check_env.check_package('onedl-mmcv', '2.3.6', 'core')
        assert (row.name, row.found, row.ok) == ('mmcv', '1.7.2', False)
        assert row.works == 'imports (official line), but is not tested'
        row = check_env.check_package('onedl-mmpretrain', '1.3.6', 'core')
        assert (row.works, row.ok) == ('missing', False)
        row = check_env.check_package('onedl-mmrotate', '1.2.1', 'full')
        assert (row.works, row.ok) == ('has no release for the official mmdet', None)

    def test_another_release_than_the_pinned_one_fails(self):
        row = check_env.check_package('numpy', '1.0.0', 'core')
        assert row.ok is False
        assert row.works == 'imports, but is not the pinned release'

    def test_operators_that_are_not_compiled_fail_the_full_tier(self, monkeypatch):
        monkeypatch.setattr(check_env, 'has_operators', lambda: False)
        assert check_env.check_operators('full').ok is False
        assert check_env.check_operators('core').ok is None

    def test_a_missing_system_library_comes_with_its_packages(self):
        def load_cv2() -> None:
            raise ImportError('libGL.so.1: cannot open shared object file')

        told = check_env.failure(load_cv2)
        assert 'apt-get install libgl1' in told
        assert 'dnf install mesa-libGL' in told

    def test_columns_line_up(self):
        rows = [
            check_env.Row('torch', '2.13.0+cpu', '2.13.0', 'imports', True),
            check_env.Row('mm', '-', '1', 'missing', False),
            check_env.Row('GPU', '-', '', 'no GPU: CPU with gloo', None),
        ]
        assert check_env.format_table(rows).splitlines() == [
            '      package  version     expected  what works',
            'ok    torch    2.13.0+cpu  2.13.0    imports',
            'FAIL  mm       -           1         missing',
            '-     GPU      -                     no GPU: CPU with gloo',
        ]
