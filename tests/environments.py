"""Copies of the checkout, and environments of Python without rsp."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCES = (
    'rsp',
    'configs',
    'tools',
    'requirements',
    'setup.py',
    'pyproject.toml',
    'MANIFEST.in',
    'LICENSE',
    'README.md',
    'CHANGELOG.md',
    'model-index.yml',
)


def run(*command: object, cwd: Path) -> str:
    """Run a command away from the checkout; its output, or a failure that shows it."""
    hidden = ('PYTHONPATH', 'PYTHONHOME', 'PIP_TARGET', 'PIP_USER')
    environment = {k: v for k, v in os.environ.items() if k not in hidden}
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f'{command} failed:\n{done.stdout}\n{done.stderr}'
    return done.stdout


def copy_checkout(folder: Path) -> Path:
    """Copy what packaging reads, so that building leaves no trace in the checkout."""
    ignored = shutil.ignore_patterns('__pycache__', '.mim')
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=ignored)
        else:
            shutil.copy2(ROOT / name, folder / name)
    return folder


def make_python(folder: Path, *more: str) -> Path:
    """Make an environment with our dependencies, without rsp; return its python.

    A path file lends it the packages of this environment; path files over there, the
    one of an editable rsp among them, are not followed.

    Args:
        folder: For the environment.
        more: Further folders of packages.
    """
    venv.create(folder, with_pip=False, symlinks=os.name != 'nt')
    bin_folder = 'Scripts' if os.name == 'nt' else 'bin'
    python = folder / bin_folder / Path(sys.executable).name
    code = 'import sysconfig; print(sysconfig.get_paths()["purelib"])'
    packages = Path(run(python, '-c', code, cwd=folder).strip())
    lent = (sysconfig.get_paths()['purelib'], *more)
    (packages / 'lent.pth').write_text('\n'.join(lent) + '\n')
    return python
