"""Walk through the calls that an error came by."""

from types import TracebackType


def frames_of(error: BaseException) -> list[TracebackType]:
    """Return the calls of an error's traceback, the innermost last."""
    frames, traceback = [], error.__traceback__
    while traceback is not None:
        frames.append(traceback)
        traceback = traceback.tb_next
    return frames


def innermost(error: BaseException) -> TracebackType | None:
    """Return the call that raised an error; None if it was not raised."""
    return next(reversed(frames_of(error)), None)
