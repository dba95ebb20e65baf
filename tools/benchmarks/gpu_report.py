"""Check and time this project on a GPU, in one run of a few minutes.

    python tools/benchmarks/gpu_report.py --minutes 6 --out report
    python tools/benchmarks/gpu_report.py --device cpu --tiny --out report

Parity of a step with the CPU, half precision, resuming, the speed of the recipes and
where it goes, the largest batch, and whether loading keeps up. All data are generated.
Writes report.json and report.md after each part; a part that fails is noted with its
traceback, one for which no time is left is skipped, and the others go on. The second
line goes the same ways without a GPU, on small networks; its speeds mean nothing.

Needs torch, mmengine, mmcv without operators and mmpretrain, nothing else of OpenMMLab.
"""

import argparse
import os
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]
# cuBLAS repeats itself bit for bit with this setting only.
os.environ.setdefault('CUBLAS_WORKSPACE_CONFIG', ':4096:8')
os.environ.setdefault('LOCAL_RANK', '0')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--minutes', type=float, default=6, help='time for all parts')
    parser.add_argument('--out', type=Path, required=True, help='folder of the report')
    parser.add_argument('--device', choices=('cuda', 'cpu'), default='cuda')
    parser.add_argument('--tiny', action='store_true', help='networks of a test')
    parser.add_argument('--parts', nargs='+', help='only these; all')
    parser.add_argument('--batch', type=int, help='samples per step, 256; tiny: 4')
    return parser.parse_args()


def run_parts(
    parts: dict[str, tuple[float, Callable[[float], Any]]],
    minutes: float,
    save: Callable[[dict[str, Any]], None],
) -> dict[str, Any]:
    """Run parts while there is time; keep what each gave.

    Args:
        parts: By name, the share of the time that a part needs, and the part; it is
            told its seconds.
        minutes: For all together.
        save: Called with the results after each part.

    Returns:
        By name, ``status`` (done, failed or skipped), ``seconds`` and ``result`` or
        ``reason``, and ``traceback`` of a failure.
    """
    results: dict[str, Any] = {}
    end = time.monotonic() + 60 * minutes
    for name, (share, part) in parts.items():
        left, wanted = end - time.monotonic(), share * 60 * minutes
        if left < wanted / 2:
            reason = f'{left:.0f} s were left, it needs {wanted:.0f} s'
            results[name] = dict(status='skipped', seconds=0, reason=reason)
        else:
            print(f'[{minutes * 60 - left:.0f} s] {name}', flush=True)
            results[name] = _run_part(part, min(wanted, left), left)
        save(results)
    return results


def _run_part(part: Callable[[float], Any], seconds: float, left: float) -> dict:
    begin = time.monotonic()
    try:
        # Three times its own time: a part counts before each of its steps.
        with interrupted_after(min(3 * seconds, max(left, 1))):
            outcome = dict(status='done', result=part(seconds))
    except Exception as error:
        reason = f'{type(error).__name__}: {str(error).splitlines()[:1]}'
        outcome = dict(status='failed', reason=reason, traceback=traceback.format_exc())
        print(outcome['traceback'], file=sys.stderr, flush=True)
    return outcome | dict(seconds=round(time.monotonic() - begin, 1))


@contextmanager
def interrupted_after(seconds: float) -> Iterator[None]:
    """Raise TimeoutError in a block that takes longer, where the system can."""

    def interrupt(*_: Any) -> None:
        raise TimeoutError(f'more than {seconds:.0f} s')

    if not hasattr(signal, 'setitimer'):
        yield
        return
    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def main() -> int:
    args = parse_args()
    if args.device == 'cpu':
        os.environ['CUDA_VISIBLE_DEVICES'] = '-1'
    # Of libraries, about their settings: they would hide the lines of the parts.
    warnings.simplefilter('ignore')
    import torch
    from gpu_parts import all_parts
    from gpu_parts.settings import Settings, environment
    from gpu_parts.writing import save_report

    if args.device == 'cuda' and not torch.cuda.is_available():
        sys.exit('error: expected a CUDA device, found none; try --device cpu --tiny.')
    args.out.mkdir(parents=True, exist_ok=True)
    settings = Settings(args.device, args.tiny, args.batch or (4 if args.tiny else 256))
    about = environment(settings)
    parts = all_parts(settings)
    unknown = set(args.parts or ()) - set(parts)
    if unknown:
        sys.exit(f'error: expected parts of {", ".join(parts)}, got {unknown}.')
    chosen = {name: parts[name] for name in args.parts or parts}
    results = run_parts(
        chosen, args.minutes, lambda results: save_report(args.out, about, results)
    )
    print((args.out / 'report.md').read_text())
    return int(any(part['status'] == 'failed' for part in results.values()))


if __name__ == '__main__':
    sys.exit(main())
