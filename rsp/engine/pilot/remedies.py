"""Propose changes of a config that could shorten its training."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from rsp.engine.pilot.measuring.stopwatch import BACKWARD, FORWARD, WAIT
from rsp.engine.pilot.packing import pack_samples
from rsp.io.configs import find_config

# Shares of the time below which a change to a part is not worth its try.
WORTH = 0.05
# Compilation takes about a minute, which shorter schedules do not win back.
LONG = 2.0


@dataclass(frozen=True)
class Remedy:
    """Describe a change.

    Attributes:
        name: For a person.
        option: What to type behind ``rsp train CONFIG``; or another config.
        cfg_options: The same as overrides.
        options: The same as arguments of ``training_config``.
        prepare: Called with an empty folder first; returns further overrides.
    """

    name: str
    option: str
    cfg_options: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    prepare: Callable[[Path], list[str]] | None = None


def propose(measured: Mapping[str, Any], config: str, hours: float) -> Iterator[Remedy]:
    """Yield the changes that could help, for what was measured.

    Args:
        measured: Of the config as it is.
        config: Its path.
        hours: Of the whole schedule.
    """
    facts, parts = measured['facts'], measured['parts']
    computing = parts[FORWARD] + parts[BACKWARD]
    if parts[WAIT] > WORTH:
        yield from _workers(facts)
        yield from _store(facts)
    fast = _fast_variant(config)
    if fast is not None:
        yield Remedy('the fast variant', fast, options=dict(config=fast))
    if computing <= WORTH:
        return
    if facts['memory_format'] != 'channels_last':
        yield _override('channels last', 'memory_format=channels_last')
    if not facts['amp'] and facts['bf16']:
        yield Remedy('mixed precision', '--amp', options=dict(amp=True))
    if not facts['compiled'] and facts['can_compile'] and hours > LONG:
        yield _override('a compiled backbone', 'compile_backbone=True')
    yield from _batch(facts)


def _workers(facts: Mapping[str, Any]) -> Iterator[Remedy]:
    """Propose as many workers as there are cores, and half of that."""
    numbers = {facts['cores'], max(facts['cores'] // 2, 1)} - {facts['workers']}
    for number in sorted(numbers, reverse=True):
        plural = '' if number == 1 else 's'
        yield _override(
            f'{number} worker{plural}', f'train_dataloader.num_workers={number}'
        )


def _store(facts: Mapping[str, Any]) -> Iterator[Remedy]:
    """Propose to pack all folders of images that can be packed."""
    folders = facts['folders']
    if not folders:
        return
    packs = [f'rsp prepare pack {found["folder"]} OUT{i}'
             for i, found in enumerate(folders, 1)]  # fmt: skip
    reads = [f'{found["key"]}.store=OUT{i}' for i, found in enumerate(folders, 1)]
    yield Remedy(
        'a packed store',
        f'{"; ".join(packs)}; --cfg-options {" ".join(reads)}',
        prepare=partial(pack_samples, folders),
    )


def _batch(facts: Mapping[str, Any]) -> Iterator[Remedy]:
    double = 2 * facts['batch']
    option = f'train_dataloader.batch_size={double}'
    flag = '--auto-scale-lr ' if facts['scales_lr'] else ''
    yield Remedy(
        f'batches of {double}',
        f'{flag}--cfg-options {option}',
        cfg_options=(option,),
        options=dict(auto_scale_lr=True) if flag else {},
    )


def _fast_variant(config: str) -> str | None:
    """Return the path of ``<config>_fast.py``, if there is one."""
    path = Path(config)
    name = path.with_name(f'{path.stem}_fast{path.suffix}')
    found = find_config(config)
    there = found.with_name(name.name).is_file()
    return str(name) if there and not path.stem.endswith('_fast') else None


def _override(name: str, option: str) -> Remedy:
    return Remedy(name, f'--cfg-options {option}', cfg_options=(option,))
