"""Find the checkpoint to resume."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from rsp.checkpoints.formats import get_state_dict
from rsp.checkpoints.reading.files import (
    DamagedFile,
    neighbors,
    read,
    saved_checkpoints,
)
from rsp.checkpoints.reading.finite import non_finite
from rsp.errors import MissingData, UserError, shorten

# Weights of the best epoch, and what mmengine publishes; no run goes on from these.
_NOT_RESUMABLE = re.compile(r'best_.*|.*-[0-9a-f]{8}\.pth')


def resume_target(
    work_dir: str | Path,
    path: str | Path | None,
    trust: bool = False,
    tell: Callable[[str], None] = lambda _: None,
) -> Path | None:
    """Find the newest whole checkpoint that a run can resume from.

    Every file that is tried is read and compared with its checksum. Its content is kept
    for the next `read`.

    Args:
        work_dir: Folder of the run.
        path: The checkpoint asked for, or a folder to search in place of ``work_dir``.
        trust: See `read`.
        tell: Takes a line for every file that is passed over, and why.

    Returns:
        The file; None if the run has saved nothing yet, or nothing that is whole.

    Raises:
        MissingData: If ``path`` does not exist, or holds no checkpoint.
        UserError: If the file asked for is damaged or holds NaN, then the message names
            the newest one that can be resumed; or if all that are whole hold NaN; or if
            one cannot be opened without running code.
    """
    if path is None:
        return _newest_whole(Path(work_dir), trust, tell)
    place = Path(path).expanduser()
    if place.is_dir():
        found = _newest_whole(place, trust, tell)
        if found is None:
            raise MissingData(
                f"expected a checkpoint of a run in '{place}', got none that is whole; "
                f'{neighbors(place / "x")}.'
            )
        return found
    if not place.is_file():
        raise MissingData(f"nothing to resume at '{path}'; {neighbors(place)}.")
    try:
        broken = non_finite(get_state_dict(read(place, trust=trust, keep=True)))
        why = f"'{place}' holds NaN or infinity ({shorten(broken, 3)})."
    except DamagedFile as error:
        broken, why = [place.name], str(error)
    if broken:
        raise UserError(f'cannot resume: {why} {_advice(place.parent, trust)}')
    return place


def _newest_whole(
    folder: Path, trust: bool, tell: Callable[[str], None]
) -> Path | None:
    """Return the newest file that is whole and finite; tell of those passed over."""
    passed: list[str] = []
    ruined = None
    for file in _candidates(folder, tell):
        try:
            content = read(file, trust=trust, keep=True)
        except DamagedFile as error:
            passed.append(file.name)
            tell(f'passed over: {error}')
            continue
        if not _is_of_a_run(content):
            continue
        broken = non_finite(get_state_dict(content))
        if not broken:
            if passed:
                tell(f"{shorten(passed)} passed over: going on from '{file}'.")
            return file
        ruined = ruined or file
        passed.append(file.name)
        tell(f"passed over: '{file}' holds NaN or infinity ({shorten(broken, 3)}).")
    if ruined is not None:
        raise UserError(
            f"cannot resume: '{ruined}' and all other whole checkpoints in '{folder}' "
            'hold NaN or infinity; train anew in another --work-dir, with a lower '
            'learning rate.'
        )
    if passed:
        tell(f"no checkpoint in '{folder}' is whole: starting from the beginning.")
    return None


def _candidates(folder: Path, tell: Callable[[str], None]) -> Iterator[Path]:
    """Yield the checkpoints of a folder, the newest first.

    That is the one that ``last_checkpoint`` names, unless a run was killed between
    renaming a file and noting it; then come those before it.
    """
    note = folder / 'last_checkpoint'
    saved = [folder / name for name in reversed(saved_checkpoints(folder))]
    text = note.read_text(errors='replace').strip() if note.is_file() else ''
    named = _named(folder, text)
    if text and named is None:
        tell(f"'{note}' names {text}, which does not exist; looking for others.")
    if named is not None and named.parent.resolve() != folder.resolve():
        saved += [named.parent / n for n in reversed(saved_checkpoints(named.parent))]
    others = [f for f in saved if not _NOT_RESUMABLE.fullmatch(f.name) and f != named]
    if named is None and others:
        # A copied folder has lost the order of its times; names have not.
        alike = [f for f in others if _number(f, others[0]) < float('inf')]
        named = max(alike, key=lambda f: _number(f, f), default=others[0])
        others.remove(named)
    later = [file for file in others if named and _is_later(file, named, note)]
    yield from later
    if named is not None:
        yield named
    others = [file for file in others if file not in later]
    before = [f for f in others if named and _number(f, named) < _number(named, named)]
    yield from sorted(before, key=lambda f: _number(f, f), reverse=True)
    yield from (file for file in others if file not in before)


def _named(folder: Path, text: str) -> Path | None:
    """Find the file that a note names.

    First beside the note: the folder may have been moved or copied since, and a run in
    the former place may have written other files of that name.
    """
    named = Path(text)
    for file in (folder / named.name, named):
        if text and os.path.isfile(file):  # also of names that no system allows
            return file
    return None


def _number(file: Path, other: Path) -> float:
    """Return 12 of ``epoch_12.pth``; infinity unless the other counts the same."""
    kind, _, number = file.stem.rpartition('_')
    if kind != other.stem.rpartition('_')[0] or not number.isdecimal():
        return float('inf')
    return int(number)


def _is_later(file: Path, named: Path, note: Path) -> bool:
    number = _number(file, named)
    later = _number(named, named) < number < float('inf')
    return later and file.stat().st_mtime_ns > note.stat().st_mtime_ns


def _is_of_a_run(content: dict[str, Any]) -> bool:
    meta = content.get('meta')
    return 'message_hub' in content and isinstance(meta, dict) and 'iter' in meta


def _advice(folder: Path, trust: bool) -> str:
    try:
        whole = _newest_whole(folder, trust, lambda _: None)
    except UserError:
        whole = None
    if whole is None:
        return f"No other checkpoint in '{folder}' is whole; leave --resume out."
    return f'The newest whole one is --resume {whole}'
