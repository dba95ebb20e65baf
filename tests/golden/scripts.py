"""Run the scripts of tools/ and build by registry: all that is known of rsp here.

What is measured reaches the project by scripts, configs and registered names, as a user
does, so that modules may move without a change to these files.
"""

import contextlib
import io
import runpy
import sys
from pathlib import Path
from typing import Any

from mmengine.registry import RUNNERS
from torch.utils.data import DataLoader

ROOT = Path(__file__).parents[2]
RUNNER = 'rsp.PortableRunner'


def run_script(name: str, *arguments: object) -> None:
    """Run a script of tools/ in this process; importing takes seconds each time.

    Args:
        name: Below tools/.
        arguments: Of its command line.
    """
    file = ROOT / 'tools' / name
    kept = sys.argv
    sys.argv = [str(file), *map(str, arguments)]
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            runpy.run_path(str(file), run_name='__main__')
    except SystemExit as leaving:
        if leaving.code not in (None, 0):
            raise RuntimeError(f'{name} ended with {leaving.code}') from leaving
    finally:
        sys.argv = kept


def build_loader(cfg: dict[str, Any], seed: int) -> DataLoader:
    """Build a data loader as the runner of a training does."""
    return RUNNERS.get(RUNNER).build_dataloader(cfg, seed=seed)
