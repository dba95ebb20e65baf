"""Describe one kind of checkpoint file by the names of its tensors."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from rsp.checkpoints.families import find_family
from rsp.errors import UserError
from rsp.ops import check

# The last is an average of a network's own weights over a training that has no teacher.
BRANCHES = ('student', 'teacher', 'ema')


@dataclass(frozen=True)
class Format:
    """Describe one kind of checkpoint file.

    Attributes:
        key: Its name on the command line.
        title: Its name in reports.
        marks: Beginnings of names that, all present, tell it from the others.
        branches: Prefixes of each branch's backbone; of those that are there the first
            counts that a network's own names follow.
        default: The branch taken unless another one is asked for.
        other: Beginnings of names that belong to the format but to no backbone.
        pixels: Mean and standard deviation per channel (RGB, 0-255) of the official
            training; None where there are many, or none is known.
        settings: What no shape tells of the networks of the official code
            (`Family.settings`), beside the standard; None if that is not known.
    """

    key: str
    title: str
    marks: tuple[str, ...]
    branches: Mapping[str, tuple[str, ...]]
    default: str = 'student'
    other: tuple[str, ...] = ()
    pixels: tuple[tuple[float, ...], tuple[float, ...]] | None = None
    settings: Mapping[str, Any] | None = None

    def find_prefix(self, names: Iterable[str], branch: str) -> str:
        """Return the beginning of the names of one branch's backbone.

        Raises:
            UserError: If the branch is not there; the message lists what is.
        """
        check.one_of('branch', branch, BRANCHES)
        names = list(names)
        prefixes = self.branches.get(branch, ())
        there = [p for p in prefixes if any(name.startswith(p) for name in names)]
        # Of several the one that a network's own names follow.
        for prefix in there:
            if len(there) == 1 or find_family(strip(names, prefix)):
                return prefix
        if there:
            return min(there, key=len)
        looked = f' (names starting with {" or ".join(prefixes)})' if prefixes else ''
        raise UserError(
            f'no backbone of a {branch}{looked} in this checkpoint, '
            f'{self.title}: {list_modules(names)}.'
        )

    def find_branches(self, names: Iterable[str]) -> dict[str, str]:
        """Return the branches that a file has, with the beginning of their names."""
        names = list(names)
        return {
            branch: self.find_prefix(names, branch)
            for branch, prefixes in self.branches.items()
            if any(name.startswith(prefixes) for name in names)
        }

    def under(self, prefix: str) -> 'Format':
        """Return the same format with a prefix before every name."""

        def put(names: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(prefix + name for name in names)

        return replace(
            self,
            title=f'{self.title} under {prefix!r}',
            marks=put(self.marks),
            branches={branch: put(names) for branch, names in self.branches.items()},
            other=put(self.other),
        )


def strip(names: Iterable[str], prefix: str) -> list[str]:
    """Return what follows a prefix, of the names that begin with it."""
    return [name[len(prefix) :] for name in names if name.startswith(prefix)]


def list_modules(names: Iterable[str]) -> str:
    """Sum up names of tensors: ``'backbone (120 tensors), neck (4), queue (2)'``."""
    counts: Counter[str] = Counter()
    for name in names:
        levels = name.split('.')
        wrapped = levels[1:2] == ['module']
        counts['.'.join(levels[: 3 if wrapped else 1])] += 1
    listed = [f'{name} ({count})' for name, count in counts.items()]
    plural = '' if next(iter(counts.values()), 0) == 1 else 's'
    return ', '.join(listed[:12]).replace(')', f' tensor{plural})', 1)
