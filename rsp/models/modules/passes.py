"""Tell parts of a model which pass of a step of the optimizer they are in."""

from torch import Tensor


class Passes:
    """Know the place of a forward pass among those that a step accumulates.

    Without accumulation nobody tells, and each pass is the first and the last one.

    Attributes:
        is_first_pass: Whether the optimizer has stepped since the pass before.
        is_last_pass: Whether it will after this pass.
        held: What waits for the end of the step; saved with a checkpoint inside one.
    """

    is_first_pass = True
    is_last_pass = True
    held: tuple[Tensor, ...] = ()

    def begin_pass(self, is_first: bool, is_last: bool) -> None:
        """Learn the place of the next pass."""
        self.is_first_pass, self.is_last_pass = is_first, is_last

    def end_pass(self) -> None:
        """Finish a pass, before checkpoints are saved."""
