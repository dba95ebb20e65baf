"""Packaging of `rsp`; tool settings are in pyproject.toml.

Besides the package, an installation carries ``rsp/.mim``, the folder in which
OpenMMLab's `mim` (and we) look for ``configs/``, ``tools/`` and ``model-index.yml``.
"""

import re
import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
SHIPPED = ('configs', 'tools', 'model-index.yml')


class BuildWithMim(build_py):
    """Add rsp/.mim: links for an editable install, copies for a wheel.

    The copies go to the build folder, never into the checkout, where they would
    shadow later edits of an editable install.
    """

    def run(self) -> None:
        super().run()
        if getattr(self, 'editable_mode', False):
            fill_mim_folder(ROOT / 'rsp/.mim', link=True)
        else:
            fill_mim_folder(Path(self.build_lib) / 'rsp/.mim', link=False)


def fill_mim_folder(folder: Path, link: bool) -> None:
    """Make a folder with what is shipped, in place of one that is there."""
    if folder.exists():
        shutil.rmtree(folder)  # Removes links, not what they point at.
    folder.mkdir(parents=True)
    for source in (ROOT / name for name in SHIPPED):
        target = folder / source.name
        if not source.exists():
            continue
        if link:
            try:
                target.symlink_to(Path('../..') / source.name)
                continue
            except OSError:
                pass  # A file system or a Windows account without links: copy.
        if source.is_dir():
            ignored = shutil.ignore_patterns('__pycache__', '*.pyc')
            shutil.copytree(source, target, ignore=ignored)
        else:
            shutil.copy2(source, target)


def read_version() -> str:
    text = (ROOT / 'rsp/version.py').read_text(encoding='utf-8')
    return re.search(r"^__version__ = '(.+)'$", text, re.MULTILINE)[1]


def read_readme() -> str:
    return (ROOT / 'README.md').read_text(encoding='utf-8')


def read_requirements(name: str) -> list[str]:
    """Read requirements/<name>.txt and the files it includes, without comments."""
    wanted = []
    for line in (ROOT / 'requirements' / f'{name}.txt').read_text().splitlines():
        line = line.split('#')[0].strip()
        if line.startswith('-r '):
            wanted += read_requirements(Path(line[3:].strip()).stem)
        elif line:
            wanted.append(line)
    return wanted


setup(
    name='rsp-pretrain',
    version=read_version(),
    description='Remote-sensing pre-training for the OpenMMLab ecosystem',
    long_description=read_readme(),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    license_files=['LICENSE'],
    keywords='remote sensing, self-supervised learning, pre-training, OpenMMLab',
    classifiers=[
        'Development Status :: 4 - Beta',
        'Intended Audience :: Science/Research',
        'Operating System :: OS Independent',
        'Programming Language :: Python :: 3',
        'Programming Language :: Python :: 3.10',
        'Programming Language :: Python :: 3.11',
        'Programming Language :: Python :: 3.12',
        'Programming Language :: Python :: 3.13',
        'Topic :: Scientific/Engineering :: Image Recognition',
    ],
    python_requires='>=3.10,<3.14',
    packages=find_packages(include=['rsp', 'rsp.*']),
    package_data={
        'rsp': [
            'py.typed',
            'prepare/*/*.j2',
            'prepare/report/land.json',
            'engine/*/*.j2',
            'evaluation/*/*.j2',
            'evaluation/*/*/*.j2',
        ]
    },
    install_requires=read_requirements('runtime'),
    extras_require={
        'analyze': read_requirements('analyze'),
        'completion': read_requirements('completion'),
        'core': read_requirements('core'),
        'full': read_requirements('full'),
        'mim': read_requirements('mminstall'),
        'convert': read_requirements('convert'),
        'docs': read_requirements('docs'),
        'geo': read_requirements('geo'),
        'onnx': read_requirements('onnx'),
        'tests': read_requirements('tests'),
    },
    entry_points={'console_scripts': ['rsp = rsp.cli:main']},
    cmdclass={'build_py': BuildWithMim},
    zip_safe=False,
)
