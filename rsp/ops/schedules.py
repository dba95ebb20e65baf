"""Compute values that follow the progress of a run."""

import math
from collections.abc import Sequence


def cosine(step: int, total: int, start: float, end: float) -> float:
    r"""Follow half a cosine from ``start`` to ``end``.

    .. math::
        e + (s - e)\,(\cos(\pi n / T) + 1) / 2

    Args:
        step: n, from 0.
        total: T, steps of the run.
        start: s, value at step 0.
        end: e, value from step T on.
    """
    share = min(step / max(total, 1), 1.0)
    return end + (start - end) * (math.cos(math.pi * share) + 1) / 2


def linear(step: int, points: int, start: float, end: float) -> float:
    """Go in even steps from ``start`` to ``end``, then stay there.

    Args:
        step: From 0.
        points: Values on the way, both ends included (``np.linspace``): the end is
            reached at step ``points - 1``. A run may be shorter.
        start: Value at step 0, if there is more than one point.
        end: Value from step ``points - 1`` on.

    Examples:
        >>> [linear(step, 5, 0.0, 1.0) for step in (0, 1, 4, 9)]
        [0.0, 0.25, 1.0, 1.0]
    """
    if step >= points - 1:
        return end
    return start + (end - start) * step / (points - 1)


def milestones_reached(images: int, milestones: Sequence[int]) -> int:
    """Count the milestones a run has passed, the last one recurring.

    Args:
        images: Seen so far.
        milestones: Rising numbers of images, the last one above 0. After it, every
            multiple of it is one more: (0, 8, 20) stands for 0, 8, 20, 40, 60, ...

    Examples:
        >>> [milestones_reached(images, (0, 8, 20)) for images in (0, 7, 8, 20, 60)]
        [1, 1, 2, 3, 5]
    """
    last = milestones[-1]
    return sum(m <= images for m in milestones) + max(images // last - 1, 0)


def share_of_steps(share: float, steps: float) -> float:
    r"""Return the share of new values of one step that stands for several.

    .. math::
        \mu' = 1 - (1 - \mu)^\kappa,\quad\text{that is } m' = m^\kappa

    with the papers' momentum m, the share of the old values: the EMA Scaling Rule of
    Busbridge et al., https://arxiv.org/abs/2307.13813, Def. 1.2.

    Args:
        share: mu, of the new values per step, 0 to 1.
        steps: kappa, above 0; a part of a step is below 1.

    Examples:
        A batch twice as large takes half the steps; each counts for two.

        >>> round(share_of_steps(0.001, 2), 6)
        0.001999
    """
    return 1.0 if share >= 1 else -math.expm1(steps * math.log1p(-share))
