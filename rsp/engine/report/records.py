"""Read back what the runs of a work dir logged, also what an interruption left."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from rsp.io.text import load_json

# mmengine's line of a training step: `Epoch(train) [2][ 5/37]`, `Iter(train) [ 5/90]`.
STEP = re.compile(
    r'(?:Epoch\(train\)\s+\[\s*(\d+)\]|Iter\(train\)\s+)\[\s*(\d+)/(\d+)\]'
)
LINE = re.compile(r'^(?:(\d{4})/)?(\d\d/\d\d \d\d:\d\d:\d\d) - \S+ - (\w+) - (.*)$')
SAVED = re.compile(r'Saving checkpoint at (\d+) (epochs|iterations)')
# Facts of the environment that mmengine writes at the head of its log.
FACTS = re.compile(
    r'^    (Python|PyTorch|TorchVision|OpenCV|MMEngine|CUDA available|CUDA_HOME|GPU '
    r'[\d,]+|GPU number|seed|Distributed launcher): (.+)$',
    re.MULTILINE,
)
# mmengine about itself, and about each tensor of a teacher, in every run.
NOISE = re.compile(
    r'"FileClient" will be deprecated|"HardDiskBackend" is the alias|'
    r'\S+ is skipped since its requires_grad=False$'
)
MOST_OF_A_LOG = 2**24

Curve = tuple[list[int], list[float]]


@dataclass
class Session:
    """Hold what one start of a run logged.

    Attributes:
        name: Of its folder, the time of its start.
        epoch_length: Iterations of an epoch; None in a run without epochs.
        max_iters: Iterations of a run without epochs.
        saved: Epochs or iterations after which the last checkpoint was saved.
        facts: Of the environment.
        warnings: Lines of the log that are warnings or errors, with their number.
        begin: Time of the first line of the log.
        end: Time of the last one.
        tests: Numbers of a test.
    """

    name: str
    epoch_length: int | None = None
    max_iters: int | None = None
    saved: tuple[int, str] = (0, 'epochs')
    facts: dict[str, str] = field(default_factory=dict)
    warnings: Counter[str] = field(default_factory=Counter)
    begin: datetime | None = None
    end: datetime | None = None
    tests: dict[str, float] = field(default_factory=dict)


def session_folders(work_dir: Path) -> list[Path]:
    """Return the folders of the starts of a run, the earliest first."""
    # They are named by their time.
    return sorted({file.parent.parent for file in work_dir.glob('*/vis_data/*.json')})


def read_curves(
    folders: Sequence[Path], sessions: Sequence[Session], damaged: list[str]
) -> dict[str, Curve]:
    """Read all numbers against iterations, those of validations too.

    Where a run was resumed, the later start wins: what an earlier one logged from the
    later one's first iteration on belongs to weights that are gone.

    Args:
        folders: See `session_folders`.
        sessions: Of these folders.
        damaged: Gets a sentence for each file with lines that are no records.
    """
    found: dict[str, dict[int, float]] = {}
    for folder, session in zip(folders, sessions, strict=True):
        file = folder / 'vis_data' / 'scalars.json'
        rows = [*_rows(file, session, damaged)] if file.is_file() else []
        first = min((step for step, _ in rows), default=None)
        if first is None:
            continue
        for name in [*found]:
            found[name] = {s: v for s, v in found[name].items() if s < first}
        for step, values in rows:
            for name, value in values.items():
                found.setdefault(name, {})[step] = value
    return {
        name: ([*points], [*points.values()])
        for name, values in found.items()
        if (points := dict(sorted(values.items())))
    }


def _rows(
    file: Path, session: Session, damaged: list[str]
) -> Iterator[tuple[int, dict[str, float]]]:
    """Yield iteration and numbers of each record."""
    last, broken = 0, 0
    lines = file.read_bytes().splitlines()
    for line in lines:
        try:
            record: Any = load_json(line)
            step = int(record.pop('step'))
        except (ValueError, AttributeError, TypeError, KeyError):
            broken += bool(line.strip())
            continue
        numbers = {
            name: float(value)
            for name, value in record.items()
            if isinstance(value, int | float) and not isinstance(value, bool)
        }
        if 'iter' in numbers:
            last = int(numbers.pop('iter'))
            yield last, numbers
        elif 'data_time' in numbers:
            # A validation; mmengine counts it by epochs where the run does.
            del numbers['data_time']
            numbers.pop('time', None)
            length = session.epoch_length
            if session.max_iters is None:
                step = step * length if length else last
            # Before the first step there is nothing to draw it at.
            yield step, {f'val/{name}': value for name, value in numbers.items()}
        else:
            yield step, numbers
    if broken:
        damaged.append(
            f'{broken} of {len(lines)} lines of {file.parent.parent.name}/vis_data/'
            'scalars.json are no records and are left out.'
        )


def read_session(folder: Path, damaged: list[str]) -> Session:
    """Read the text log of a start, and the numbers of a test."""
    session = Session(folder.name)
    for log in sorted(folder.glob('*.log')):
        if log.stat().st_size > MOST_OF_A_LOG:
            damaged.append(f'{log.name} is long: only both of its ends are read.')
        _read_log(_text(log), session)
    for file in folder.glob('*.json'):
        try:
            content = load_json(file.read_bytes())
        except ValueError:
            damaged.append(f'{folder.name}/{file.name} is no whole JSON.')
            continue
        if isinstance(content, dict):
            session.tests |= {
                name: float(value)
                for name, value in content.items()
                if isinstance(value, int | float) and name not in ('time', 'data_time')
            }
    return session


def _text(log: Path) -> str:
    half = MOST_OF_A_LOG // 2
    with log.open('rb') as file:
        content = file.read(half)
        size = log.stat().st_size
        if size > half:
            file.seek(max(half, size - half))
            content += file.read()
    return content.decode(errors='replace')


def _read_log(text: str, session: Session) -> None:
    head = text[: text.find(' - Config:') % (len(text) + 1)]
    session.facts |= dict(FACTS.findall(head))
    year = str(datetime.now().year)
    for line in text.splitlines():
        found = LINE.match(line)
        if not found:
            continue
        # Only the first lines name the year.
        year = found[1] or year
        try:
            time = datetime.strptime(f'{year}/{found[2]}', '%Y/%m/%d %H:%M:%S')
        except ValueError:
            continue
        session.begin = session.begin or time
        session.end = time
        step = STEP.search(found[4])
        if step and step[1] is not None:
            session.epoch_length = int(step[3])
        elif step:
            session.max_iters = int(step[3])
        if saved := SAVED.match(found[4]):
            session.saved = int(saved[1]), saved[2]
        if found[3] in ('WARNING', 'ERROR', 'CRITICAL'):
            if not NOISE.match(found[4]):
                session.warnings[found[4]] += 1
