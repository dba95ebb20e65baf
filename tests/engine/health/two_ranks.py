"""Run one training on two processes of this machine, and print what is heard.

    python tests/engine/health/two_ranks.py WORK_DIR CONFIG.json

starts as one of them by RANK and WORLD_SIZE; `heard_on_two` starts both.
"""

import json
import os
import socket
import subprocess
import sys
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))


def heard_on_two(cfg: dict, work_dir: Path) -> list[str]:
    """Return what the first of two processes hears."""
    work_dir.mkdir(parents=True, exist_ok=True)
    file = work_dir / 'config.json'
    file.write_text(
        json.dumps(
            cfg | dict(launcher='pytorch', env_cfg=dict(dist_cfg=dict(backend='gloo')))
        )
    )
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        port = probe.getsockname()[1]
    common = os.environ | dict(
        WORLD_SIZE='2', MASTER_ADDR='127.0.0.1', MASTER_PORT=str(port)
    )
    command = [sys.executable, __file__, str(work_dir / 'run'), str(file)]
    ranks = [
        subprocess.Popen(
            command,
            env=common | dict(RANK=str(rank), LOCAL_RANK=str(rank)),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    outputs = [rank.communicate(timeout=1200) for rank in ranks]
    for line in outputs[0][0].splitlines():
        if line.startswith('HEARD '):
            return json.loads(line.removeprefix('HEARD '))
    raise RuntimeError(f'{outputs[0]}\n{outputs[1]}')


if __name__ == '__main__':
    warnings.filterwarnings('ignore')
    # isort: off
    import rsp  # noqa: F401  mends torchvision first
    import failures  # noqa: F401  registers its parts
    import trainings
    # isort: on

    lines = trainings.heard(
        json.loads(Path(sys.argv[2]).read_text()), Path(sys.argv[1])
    )
    print('HEARD ' + json.dumps(lines), flush=True)
    # The other process may still wait for this one.
    os._exit(0)
