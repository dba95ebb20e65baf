"""Keep the random numbers of the training processes."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import numpy as np
import torch


def random_state() -> dict[str, Any]:
    """Return the states of this process's global generators, as plain tensors.

    Dropout, dropped paths, shuffled batches and drawn patches come from them. What
    loader workers draw is seeded by item and not in here.
    """
    version, numbers, gauss = random.getstate()
    name, keys, *rest = cast(tuple[Any, ...], np.random.get_state(legacy=True))
    state: dict[str, Any] = dict(
        python=[version, torch.tensor(numbers), gauss],
        numpy=[str(name), torch.tensor(keys.astype(np.int64)), *rest],
        torch=torch.get_rng_state(),
    )
    if torch.cuda.is_available():
        state['cuda'] = torch.cuda.get_rng_state()
    return state


def restore_random_state(state: dict[str, Any]) -> None:
    """Put the states back that `random_state` returned, here or on another machine."""
    version, numbers, gauss = state['python']
    random.setstate((version, tuple(numbers.tolist()), gauss))
    name, keys, *rest = state['numpy']
    keys = keys.numpy().astype(np.uint32)
    np.random.set_state((name, keys, *rest))
    torch.set_rng_state(state['torch'].cpu())
    if 'cuda' in state and torch.cuda.is_available():
        torch.cuda.set_rng_state(state['cuda'].cpu())


@contextmanager
def random_state_kept() -> Iterator[None]:
    """Draw random numbers in a block without a trace."""
    state = random_state()
    try:
        yield
    finally:
        restore_random_state(state)
