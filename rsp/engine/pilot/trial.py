"""Measure a config in a process of its own: python -m rsp.engine.pilot.trial REQUEST.

The request is a JSON file; the answer is written beside it. What one trial has
compiled, allocated and searched for is gone with its process.
"""

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any


def run_trial(request: dict[str, Any]) -> dict[str, Any]:
    """Measure what a request asks for.

    Args:
        request: ``options`` of `rsp.engine.train.training_config`, ``cfg_options`` as
            on a command line, ``seconds``, the time it was ``started``, whether to
            measure the ``whole``, and perhaps ``search``: what to look for the largest
            batch with (`rsp.engine.pilot.largest_batch`).

    Returns:
        The measurement, or ``refused``: what training would refuse.
    """
    # torchrun and mmengine want it.
    os.environ.setdefault('LOCAL_RANK', '0')
    from rsp.engine.cfg_options import parse_options
    from rsp.engine.pilot.facts import facts_of, use_local_files_alone
    from rsp.engine.pilot.largest_batch import LargestBatchHook
    from rsp.engine.pilot.measuring.hook import PilotHook
    from rsp.engine.train import build_runner, training_config
    from rsp.engine.wrong_config import explain_steps
    from rsp.errors import UserError

    try:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as work_dir:
            cfg = training_config(
                cfg_options=parse_options(request['cfg_options']),
                work_dir=work_dir,
                **request['options'],
            )
            use_local_files_alone(cfg)
            runner = build_runner(cfg)
            hook: Any
            if 'search' in request:
                hook = LargestBatchHook(**request['search'])
            else:
                hook = PilotHook(
                    request['seconds'], request['started'], request['whole']
                )
            runner.register_hook(hook)
            with explain_steps(runner, cfg):
                runner.train()
            return hook.measured | dict(facts=facts_of(runner))
    except UserError as error:
        return dict(refused=str(error))


def main() -> None:
    """Answer the request of the command line."""
    file = Path(sys.argv[1])
    answer = run_trial(json.loads(file.read_text()))
    file.with_suffix('.answer').write_text(json.dumps(answer))


if __name__ == '__main__':
    main()
