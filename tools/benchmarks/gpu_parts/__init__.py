"""List the parts of the report, the most telling ones first."""

from collections.abc import Callable
from typing import Any

from gpu_parts import halves, loading, parity, resuming, speed, views
from gpu_parts.settings import Settings


def all_parts(settings: Settings) -> dict[str, tuple[float, Callable[[float], Any]]]:
    """Return by name the share of the time that a part takes, and the part."""
    methods = speed.methods(settings)
    return {
        'parity of a step': (0.10, lambda s: parity.steps(settings)),
        'GeRSP R50 float32': (0.07, lambda s: speed.run(settings, 'gersp', 'fp32', s)),
        'GeRSP R50 TF32': (0.06, lambda s: speed.run(settings, 'gersp', 'tf32', s)),
        'GeRSP R50 fast': (0.12, lambda s: speed.run(settings, 'gersp', 'fast', s)),
        'device views': (0.06, lambda s: views.views(settings, s)),
        'half precision': (0.10, lambda s: halves.finite(settings, s)),
        'resume': (0.08, lambda s: resuming.resume(settings)),
        **{
            f'{title} fast': (
                0.07,
                lambda s, name=name: speed.run(settings, name, 'fast', s),
            )
            for name, title in methods.items()
            if name != 'gersp'
        },
        'loading': (0.10, lambda s: loading.feed(settings, s)),
        'largest batch': (0.08, lambda s: speed.largest_batch(settings)),
    }
