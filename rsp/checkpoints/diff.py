"""Compare the tensors of a file with those of a model."""

import re
from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor, nn

from rsp.errors import UserError, shorten

# Computed from the architecture, not learned; some files leave them out.
DERIVED = (
    'relative_position_index',
    'relative_coords_table',
    'num_batches_tracked',
)
# The extra normalizations of a hierarchical transformer whose stages are all read.
EXTRA_NORM = re.compile(r'norm\d+\.(weight|bias)')


class Reshaped(NamedTuple):
    """Hold the two shapes of one tensor."""

    name: str
    found: tuple[int, ...]
    wanted: tuple[int, ...]

    def __str__(self) -> str:
        return f'{self.name}: {self.found} in the file, {self.wanted} in the model'


@dataclass(frozen=True, kw_only=True)
class StateDictDiff:
    """Report which tensors of a file load into a model, and which do not.

    Attributes:
        loaded: Tensors of both that go together.
        adapted: Those of ``loaded`` that the model fits to its own size, such as
            position embeddings.
        missing: Tensors of the model that the file lacks.
        unexpected: Tensors of the file that the model lacks.
        reshaped: Tensors of both whose shapes differ.
        derived: Missing, but computed from the architecture.
        new: Missing, but only a dense use of the backbone has them (normalizations of
            earlier stages); they start fresh.
    """

    loaded: tuple[str, ...] = ()
    adapted: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    reshaped: tuple[Reshaped, ...] = ()
    derived: tuple[str, ...] = ()
    new: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """True if all of the model came in and all of the file was used."""
        return not (self.missing or self.reshaped or self.unexpected)

    def differences(self) -> str:
        """Sum up what does not fit: ``'2 missing (a, b); 1 unexpected (c)'``."""
        kinds = {
            'missing': self.missing,
            'unexpected': self.unexpected,
            'of another shape': tuple(map(str, self.reshaped)),
        }
        return '; '.join(
            f'{len(names)} {kind} ({shorten(names, 4)})'
            for kind, names in kinds.items()
            if names
        )


def compare(
    found: Mapping[str, Tensor],
    wanted: Mapping[str, Tensor],
    adapted: Container[str] = (),
) -> StateDictDiff:
    """Compare names and shapes.

    Args:
        found: Tensors of a file.
        wanted: Tensors of a model.
        adapted: Names whose shapes may differ.
    """
    both = [name for name in wanted if name in found]
    absent = [name for name in wanted if name not in found]
    differing = [name for name in both if found[name].shape != wanted[name].shape]
    reshaped = [name for name in differing if name not in adapted]
    derived = [name for name in absent if name.endswith(DERIVED)]
    # A file that normalizes its last stage in the same way lacks the others by design.
    dense = any(map(EXTRA_NORM.fullmatch, found))
    new = [name for name in absent if dense and EXTRA_NORM.fullmatch(name)]
    return StateDictDiff(
        loaded=tuple(name for name in both if name not in reshaped),
        adapted=tuple(name for name in differing if name in adapted),
        missing=tuple(n for n in absent if n not in derived and n not in new),
        unexpected=tuple(name for name in found if name not in wanted),
        reshaped=tuple(
            Reshaped(name, tuple(found[name].shape), tuple(wanted[name].shape))
            for name in reshaped
        ),
        derived=tuple(derived),
        new=tuple(new),
    )


def load_state_dict(model: nn.Module, found: Mapping[str, Tensor]) -> StateDictDiff:
    """Load the tensors that fit, and report the others.

    Args:
        model: Changed in place. It may adapt tensors on the way in, as vision
            transformers do with position embeddings.
        found: Tensors by its names.
    """
    wanted = model.state_dict()
    refused: list[str] = []
    try:
        model.load_state_dict(dict(found), strict=False)
    except RuntimeError as error:
        # torch has copied what fits, and names the others.
        refused = re.findall(r'size mismatch for ([\w.]+):', str(error))
        if not refused:
            raise
    adapted = wanted.keys() - set(refused)
    return compare(found, wanted, adapted)


def load_state_dict_strict(model: nn.Module, found: Mapping[str, Tensor]) -> None:
    """Give a network exactly these tensors, or refuse; switch it to evaluation."""
    diff = compare(found, model.state_dict())
    if not diff.complete:
        raise UserError(f'{type(model).__name__} is not filled: {diff.differences()}.')
    model.load_state_dict(dict(found), strict=False)
    # mmpretrain's train() returns nothing.
    model.eval()
