"""Find the checkpoint to resume."""

from pathlib import Path

from rsp.checkpoints.reading.files import neighbors, saved_checkpoints
from rsp.errors import MissingData


def resume_target(work_dir: str | Path, path: str | Path | None) -> Path | None:
    """Find the checkpoint that a run resumes from.

    Args:
        work_dir: Folder of the run.
        path: The checkpoint asked for; None takes the one the run saved last.

    Returns:
        The file; None if the run has saved nothing yet.

    Raises:
        MissingData: If ``path``, or what ``work_dir/last_checkpoint`` names, does
            not exist, or if checkpoints lie there without that note.
    """
    if path is not None:
        file = Path(path).expanduser()
        if not file.is_file():
            raise MissingData(f"nothing to resume at '{path}'; {neighbors(file)}.")
        return file

    work_dir = Path(work_dir)
    note = work_dir / 'last_checkpoint'
    saved = saved_checkpoints(work_dir)
    if not note.is_file():
        if saved:
            raise MissingData(
                f"'{work_dir}' holds {', '.join(saved)} but no last_checkpoint, which "
                'names the newest; say which one: --resume '
                f'{work_dir / saved[-1]}, or choose another --work-dir to start fresh.'
            )
        return None
    named = Path(note.read_text().strip())
    # The note holds the path of its day; the folder may have been moved since.
    for file in (named, work_dir / named.name):
        if file.is_file():
            return file
    raise MissingData(
        f"'{note}' names {named}, which does not exist; {neighbors(work_dir / 'x')}."
    )
