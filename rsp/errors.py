"""How a script ends when its input is wrong."""

import os
import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import rsp
from rsp.config_files import config_folder


@contextmanager
def errors_in_one_line() -> Iterator[None]:
    """End a script whose input is wrong by the message, without a traceback.

    Only for errors that rsp itself raises about arguments, configs and files: any other
    one is a bug of somebody, whose traceback is needed. Of several processes only the
    first one speaks.
    """
    try:
        yield
    except (FileNotFoundError, ValueError) as error:
        message = _message_of_ours(error)
        if message is None:
            raise
        first = os.environ.get('RANK', os.environ.get('SLURM_PROCID', '0')) == '0'
        sys.exit(f'error: {message}' if first else 1)


def _message_of_ours(error: BaseException) -> str | None:
    """The message of an error that rsp raised, itself or in a loader's process."""
    ours = (str(Path(rsp.__file__).parent), str(config_folder().parent / 'tools'))
    frames = traceback.extract_tb(error.__traceback__)
    if frames and frames[-1].filename.startswith(ours):
        return str(error)
    # A worker of a loader sends its traceback as text; the message is its end.
    text = str(error)
    if ' in DataLoader worker process' in text:
        *_, last_frame = re.findall(r'^  File "(.+)", line', text, re.MULTILINE)
        message = re.split(r'^\w*Error: ', text, flags=re.MULTILINE)[-1]
        return message.strip() if last_frame.startswith(ours) else None
    return None
