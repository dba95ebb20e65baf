"""Runs of several processes, by the launcher that users have."""

import json
import os
import subprocess
import sys
from pathlib import Path

from small_runs import ROOT

LAUNCHED = ('RANK', 'WORLD_SIZE', 'LOCAL_RANK', 'MASTER_ADDR', 'MASTER_PORT')


def launch(cfg, processes=2, **options):
    """Start a config."""
    file = Path(cfg.work_dir).with_suffix('.py')
    cfg.launcher = 'pytorch'
    resume, cfg.resume, cfg.load_from = cfg.load_from, False, None
    cfg.dump(file)
    arguments = ['--resume', str(resume)] if resume else []
    return start(file, processes, *arguments, **options)


def start(file, processes, *arguments, **options):
    """Start a config's file by tools/dist_train.sh."""
    environment = {k: v for k, v in os.environ.items() if k not in LAUNCHED}
    return subprocess.Popen(
        [
            'bash',
            str(ROOT / 'tools/dist_train.sh'),
            str(file),
            str(processes),
            *arguments,
        ],
        env=environment | dict(PYTHON=sys.executable, OMP_NUM_THREADS='1'),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        **options,
    )


def finish(process):
    output, _ = process.communicate(timeout=280)
    assert process.returncode == 0, output[-3000:]
    return output


def logged(folder: Path) -> list[dict]:
    files = sorted(folder.glob('*/vis_data/scalars.json'))
    lines = [
        json.loads(line) for file in files for line in file.read_text().splitlines()
    ]
    return [line for line in lines if 'loss' in line]
