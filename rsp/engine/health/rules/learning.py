"""Judge rate, units and spread of features: whether anything is learned."""

import math
from collections.abc import Iterator

from rsp.engine.health.rules.history import SURE, Alarm, History

# Mean cosine of views of different images, above which little tells them apart.
ALIKE = 0.75
# Deviations on the sphere, of 1 for an even spread, below which nothing is left of it.
COLLAPSED = 0.03
# Directions in which projections of many images differ.
FEW_DIRECTIONS = 6.0
# Share of its length by which a step moves a weight: above the one it explains a
# collapse, above the other no network learns.
FAST, FAR_TOO_FAST = 0.01, 0.3


def not_finite(history: History) -> Iterator[Alarm]:
    """Find NaN and infinity in what became of the images."""
    names = ('loss', 'rank', 'projected_rank', 'gradient_norm')
    broken = [n for n in names if not all(map(math.isfinite, history.last(n)))]
    if broken:
        yield Alarm(
            'not_finite',
            f'NaN or infinity in {" and ".join(broken)}; lower the learning rate, clip '
            'the gradient (optim_wrapper.clip_grad), or train in float32',
        )


def rate(history: History) -> Iterator[Alarm]:
    """Find a rate at which no network learns."""
    ratios = history.last('update_ratio', 2)
    if ratios and min(ratios) > FAR_TOO_FAST:
        yield _too_fast('the weights do not stay what they were', ratios[-1])


def dead_units(history: History) -> Iterator[Alarm]:
    """Find units that tell nothing."""
    shares = history.last('dead_units', 2)
    if shares and min(shares) > 0.5:
        yield Alarm(
            'dead_units',
            f'{shares[-1]:.0%} of the units of the backbone give every image the same '
            'number; lower the learning rate or warm it up, and look at the weight '
            'decay',
        )


def collapse(history: History) -> Iterator[Alarm]:
    """Find features that lose what tells images apart."""
    what = _signs_of_collapse(history)
    if what is None:
        return
    # A rate that was too high may have ended where nothing moves any more.
    fastest = max(history.all('update_ratio'), default=0)
    if fastest > FAST:
        yield _too_fast(what, fastest)
        return
    yield Alarm(
        'collapse',
        f'{what}: the loss falls by a collapse; look whether the loss has its '
        'negatives, its stop-gradient or its predictor, and lower the learning rate',
    )


def _signs_of_collapse(history: History) -> str | None:
    for prefix, what in (('projected_', 'projections'), ('', 'features')):
        spread = history.last(f'{prefix}deviation', 2)
        if spread and max(spread) < COLLAPSED:
            return (
                f'{what} of all images are the same (deviation {spread[-1]:.4f} of 1)'
            )
    name = 'negative_similarity'
    start, now = history.all(name)[:1], history.last(name, 4)
    alike = now and min(now) > max(ALIKE, start[0] + 0.02)
    # Without the loss falling, nothing is found yet that tells images apart.
    if alike and _loss_falls(history):
        return f'views of different images grow alike (mean cosine {now[-1]:.2f})'
    name = 'projected_directions'
    start, now = history.all(name)[:1], history.last(name, SURE)
    if now and max(now) < min(FEW_DIRECTIONS, 0.4 * start[0]):
        return (
            f'projections differ in {now[-1]:.1f} directions, of {start[0]:.1f} at the '
            'start'
        )
    return None


def _loss_falls(history: History) -> bool:
    losses = history.all('loss')
    return len(losses) > 1 and losses[-1] < losses[0]


def _too_fast(what: str, ratio: float) -> Alarm:
    return Alarm(
        'rate',
        f'{what}, and a step has moved the weights by {ratio:.1%} of their length; '
        'lower the learning rate to a tenth or less, or warm it up longer',
    )
