"""Tell a file that cannot be read from a bug in the pipeline that reads it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rsp.compat import add_note
from rsp.errors import BrokenFile, MissingData, UserError

# No content of a file raises these: a loader's own mistake, or a missing package.
BUGS = (AttributeError, ImportError, KeyError, MemoryError, NameError, TypeError)


@contextmanager
def name_item(item: str) -> Iterator[None]:
    """Add the name of an item to what its pipeline raises.

    A `UserError` gets it in its message, if it is not there already; a bug keeps type
    and traceback, and gets it as a note.

    Args:
        item: E.g. the path of its file in quotes.
    """
    try:
        yield
    except UserError as error:
        if item in str(error):
            raise
        raise type(error)(f'{item}: {error}') from error
    except Exception as error:
        add_note(error, f'This happened to {item}.')
        raise


def load_item(dataset: Any, idx: int, remedy: str) -> Any:
    """Run the pipeline of one item; refuse its file only if reading that fails.

    After an exception, the steps that read (``Load...``, or else the first one) are
    repeated alone. If they fail again the file is at fault, otherwise the pipeline is.

    Args:
        dataset: An mmengine data set.
        idx: Number of the item.
        remedy: What to do about a file that cannot be read.

    Raises:
        MissingData: If the file is missing.
        UserError: If it cannot be read, or as raised by a step.
    """
    info = dataset.get_data_info(idx)
    path = info['img_path']
    with name_item(f"'{path}'"):
        try:
            return dataset.pipeline(info)
        except BrokenFile as error:
            raise UserError(
                f"cannot load '{error.path}' ({error.reason}); {remedy}."
            ) from error
        except UserError:
            raise
        except Exception as error:
            steps = dataset.pipeline.transforms
            fault = _read_again(steps, dataset.get_data_info(idx))
            if fault is None:
                raise
            kind = MissingData if isinstance(fault, FileNotFoundError) else UserError
            reason = ' '.join(str(fault).split())  # OpenCV's have several lines.
            raise kind(
                f"cannot load '{path}' ({type(fault).__name__}: {reason}); {remedy}."
            ) from error


def _read_again(steps: list, info: dict[str, Any]) -> Exception | None:
    """Return what reading a file raises; None if it succeeds, or reveals a bug."""
    loading = [step for step in steps if type(step).__name__.startswith('Load')]
    try:
        for step in loading or steps[:1]:
            info = step(info)
    except BUGS:
        return None
    except Exception as fault:
        return fault
    return None
