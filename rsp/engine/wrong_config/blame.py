"""Find the settings that a line of code was about when it failed."""

import difflib
import linecache
import re
import site
import sysconfig
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import torch

from rsp.compat import TESTED
from rsp.engine.wrong_config.arguments import did_you_mean, list_for_number
from rsp.engine.wrong_config.frames import frames_of

# Classes whose own refusals are about their arguments. Those of a user's module are
# not: whoever writes one needs the traceback.
LIBRARIES = {'rsp', 'torchvision', 'timm', *TESTED}
# What a setting of the wrong type, length or range makes a library raise.
WRONG = (
    TypeError, ValueError, LookupError, AttributeError, AssertionError,
    ArithmeticError, NotImplementedError, UnboundLocalError, RuntimeError,
)  # fmt: skip
# In a worker of a data loader, whose errors come as text.
FRAME = re.compile(r'^  File "(.+)", line (\d+), in (\w+)$', re.MULTILINE)
IN_WORKER = ' in DataLoader worker process'
INSTALLED = tuple(
    str(Path(path).resolve())
    for path in (
        *site.getsitepackages(),
        sysconfig.get_path('stdlib'),
        str(Path(__file__).parents[2]),
    )
)

BUILDING = str(Path(__file__).with_name('building.py'))


class Call(NamedTuple):
    """Describe one call on the way to an error.

    Attributes:
        file: Of the code.
        name: Of the function.
        text: The statement that failed, or called what failed.
        line: Its number in the file.
        names: Local variables; empty for a call in another process.
    """

    file: str
    name: str
    text: str
    line: int = 0
    names: Mapping[str, Any] = {}


def read_by_failure(
    error: Exception,
    kind: Any,
    part: Mapping[str, Any],
    certain: bool = False,
    calls: Sequence[Call] = (),
) -> tuple[Mapping[str, Any], str | None, str] | None:
    """Blame the settings that the statement reads which failed in a library.

    Args:
        error: In the constructor of a part or in its first use.
        kind: Class of the part.
        part: Its settings.
        certain: Whether to blame none but a setting that is read.
        calls: From the part inwards; default those since it began to be built.

    Returns:
        Settings, key and reason; None if it is a bug, or of the machine.
    """
    if not calls:
        calls = calls_of(error)
        starts = [n for n, call in enumerate(calls) if call.file == BUILDING]
        calls = calls[starts[-1] + 1 if starts else 0 :]
    if not isinstance(error, WRONG) or not all(map(is_installed, calls)):
        return None
    name = getattr(kind, '__name__', str(kind))
    reason = reason_of(error) or ' '.join(calls[-1].text.split())
    what = f'{name} fails by {type(error).__name__}: {reason}'
    for call in reversed(calls):
        keys = keys_to_blame(call, kind, part) if isinstance(kind, type) else []
        if len(keys) == 1:
            [(holder, key)] = keys
            near = nearest(holder[key], calls[-2:])
            return holder, key, f'got {_short(holder[key])}; {what}{near}'
        if keys:
            read = ', '.join(f'{key}={_short(held[key])}' for held, key in keys[:4])
            return part, None, f'got {read}; {what}'
    if wrong := list_for_number(kind, part):
        return part, *wrong
    # Of what no setting is seen to be read: bugs of ours, a full memory, a lost peer.
    if certain or module_of(kind) == 'rsp' or isinstance(error, RuntimeError):
        return None
    return part, None, what


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 60 else f'{text[:56]} ...'


def module_of(kind: Any) -> str:
    """Return the package that a class is of."""
    return str(getattr(kind, '__module__', '')).partition('.')[0]


def calls_of(error: BaseException) -> list[Call]:
    """Return the calls of an error, the innermost last, those in a worker included."""
    error = _first(error)
    calls = [
        Call(
            frame.tb_frame.f_code.co_filename,
            frame.tb_frame.f_code.co_name,
            _statement(frame),
            frame.tb_lineno,
            frame.tb_frame.f_locals,
        )
        for frame in frames_of(error)
    ]
    if IN_WORKER in str(error):
        calls += [
            Call(file, name, linecache.getline(file, int(line)), int(line))
            for file, line, name in FRAME.findall(str(error))
        ]
    return calls


def reason_of(error: BaseException) -> str:
    """Return the first line of what an error says."""
    error = _first(error)
    text = str(error.args[0] if error.args else '')
    if IN_WORKER in str(error):
        lines = str(error).strip().splitlines()
        text = next((s for s in reversed(lines) if re.match(r'[\w.]+: ', s)), lines[-1])
        text = text.partition(': ')[2]
    return next(iter(text.strip().splitlines()), '')


def _first(error: BaseException) -> BaseException:
    """Return the error of a hook, which mmengine raises again without its traceback."""
    first = error.__context__
    again = isinstance(error, TypeError) and isinstance(first, TypeError)
    return first if again and first and str(first) in str(error) else error


def is_installed(call: Call) -> bool:
    """Tell whether code is of rsp, a library or Python, not of the user."""
    if call.file.startswith('<'):
        return True
    return str(Path(call.file).resolve()).startswith(INSTALLED)


def keys_to_blame(
    call: Call, kind: type, part: Mapping[str, Any]
) -> list[tuple[Mapping[str, Any], str]]:
    """Return the settings of a part that a failed statement reads.

    Args:
        call: Of the statement.
        kind: Class of the part.
        part: Its settings.

    Returns:
        Key and the dict that holds it: the part, or one without a type in it.
    """
    own = isinstance(call.names.get('self'), kind) or not call.names
    found: list[tuple[Mapping[str, Any], str]] = []
    for key, value in part.items():
        if key == 'type' or (isinstance(value, Mapping) and 'type' in value):
            continue
        if isinstance(value, Mapping) and (inner := keys_to_blame(call, kind, value)):
            found += inner
        elif _reads(call, key, value, own):
            found.append((part, key))
    return found


def _reads(call: Call, key: str, value: Any, own: bool) -> bool:
    # Parts keep some settings under a longer name.
    longer = r'\w*' if len(key) > 4 else ''
    if own and re.search(rf'\bself\.{key}{longer}\b', call.text):
        return True
    if re.search(rf"""[\[(]['"]{key}['"]""", call.text):
        return True
    # Or another one: a text or list is not the same by chance.
    if own and isinstance(value, str | list | tuple) and len(value) > 1:
        for name in re.findall(r'\bself\.(\w+)', call.text):
            if _same(getattr(call.names.get('self'), name, None), value):
                return True
    if not re.search(rf'(?<![\w.]){key}\b(?!\s*=[^=])', call.text):
        return False
    return not call.names or _same(call.names.get(key), value)


def nearest(value: Any, calls: Collection[Call]) -> str:
    """Name what is near to an unknown text among the names that the code compares to.

    Args:
        value: A text, or several.
        calls: The innermost ones.
    """
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list | tuple):
        return ''
    for text in (text for text in texts if isinstance(text, str)):
        for known in (names for call in calls for names in _collections(call.names)):
            if text not in known and difflib.get_close_matches(text, known, n=1):
                return did_you_mean(text, known)
    return ''


def _collections(names: Mapping[str, Any]) -> Iterator[list[str]]:
    for value in names.values():
        if isinstance(value, list | tuple | set | frozenset | dict) and value:
            if len(value) < 100 and all(isinstance(one, str) for one in value):
                yield list(value)


def _same(one: Any, other: Any) -> bool:
    try:
        if isinstance(one, torch.Tensor):
            one = one.tolist()
        if isinstance(one, tuple):
            one, other = list(one), list(other)
        return one is other or bool(one == other)
    except (ValueError, RuntimeError, TypeError):
        return False


def _statement(frame: TracebackType) -> str:
    code = frame.tb_frame.f_code
    first = last = None
    if hasattr(code, 'co_positions'):  # Since Python 3.11.
        positions = islice(code.co_positions(), frame.tb_lasti // 2, None)
        first, last, *_ = next(positions, (None, None))
    first = first or frame.tb_lineno
    lines = linecache.getlines(code.co_filename)[first - 1 : last or first]
    return ''.join(lines)
