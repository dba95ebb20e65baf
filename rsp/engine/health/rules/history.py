"""Hold what was measured in a run, and what it is judged to be."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

Found = dict[str, float]
# Measurements in a row that have to agree, where one batch may be unlike others.
SURE = 3
# Of a long run as many of the first and the last measurements are kept.
FIRST, LAST = 10, 50


class Alarm(NamedTuple):
    """Hold what goes wrong, in one line."""

    rule: str
    text: str


@dataclass
class History:
    """Hold the measurements of a run, and what is known of it beforehand.

    Attributes:
        found: Measurements in order, the first and the last of a long run, numbers by
            name; what a method does not tell is missing.
        count: Number of all measurements.
        facts: Numbers that do not change: ``queue`` and ``keys_per_epoch``,
            ``num_classes``, ``processes``, ``images`` that a measurement compares.
    """

    found: list[Found] = field(default_factory=list)
    facts: Found = field(default_factory=dict)
    count: int = 0

    def add(self, found: Found) -> None:
        """Add a measurement; forget one of those that no rule asks for."""
        self.count += 1
        self.found.append(found)
        if len(self.found) > FIRST + LAST:
            del self.found[FIRST]

    def last(self, name: str, count: int = 1) -> list[float]:
        """Return a number of the last measurements; [] unless all of them have it."""
        recent = self.found[-count:]
        if len(recent) < count or any(name not in one for one in recent):
            return []
        return [one[name] for one in recent]

    def all(self, name: str) -> list[float]:
        """Return a number of all measurements that are kept and have it."""
        return [one[name] for one in self.found if name in one]


Rule = Callable[[History], Iterator[Alarm]]
