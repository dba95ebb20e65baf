"""Warm up the learning rate."""

from typing import Any

from mmengine.optim import LinearLR

from rsp.registry import PARAM_SCHEDULERS


@PARAM_SCHEDULERS.register_module()
class WarmupLR(LinearLR):
    r"""Scale the learning rate linearly, reaching the full one at step ``end``.

    .. math::
        f(i) = 1 - (1 - s)\,(1 - i / W) \quad\text{for } i \le W

    with s = ``start_factor`` and W = ``end`` - ``begin``. mmengine's reaches 1 one step
    earlier. Chains with schedules of the whole run, such as a cosine.

    Args:
        optimizer: Optimizer or its wrapper.
        end: Step (or, before conversion, epoch) of the full rate.
        args: As for mmengine's LinearLR.
        kwargs: As for mmengine's LinearLR.
    """

    def __init__(self, optimizer: Any, *args: Any, end: int, **kwargs: Any) -> None:
        super().__init__(optimizer, *args, end=end + 1, **kwargs)
