"""Train tiny models for long, and watch memory and open files from outside."""

import json
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from reliability.jobs import Job, Server
from reliability.tiny_runs import make_run

# One stage of a ResNet: a step is a few milliseconds.
ONE_STAGE = dict(
    model__backbone__num_stages=1,
    model__backbone__strides=(1,),
    model__backbone__dilations=(1,),
    model__backbone__out_indices=(0,),
)
COMMON: dict[str, Any] = dict(
    train_dataloader__num_workers=2,
    train_dataloader__persistent_workers=True,
    default_hooks__logger__interval=50,
    default_hooks__checkpoint__interval=1000,
    default_hooks__checkpoint__max_keep_ckpts=2,
)
FILES: dict[str, Any] = ONE_STAGE | dict(model__neck__in_channels=4)
RUNS: dict[str, tuple[str, dict[str, Any]]] = dict(
    files=('moco', FILES),
    packed=('moco', FILES | dict(train_dataloader__dataset__store='{root}/packed')),
    scenes=('geokr', ONE_STAGE | dict(model__classifier__widths=[4, 8])),
)
STEPS_PER_EPOCH = 12
# What a run may grow by from its second tenth to its last; MB and open files. The
# history of logged numbers takes some.
MAY_GROW, MAY_OPEN = 20, 5


@dataclass
class Result:
    """What a long run held.

    Attributes:
        name: A key of `RUNS`.
        iterations: Trained.
        samples: (iteration, MB of the training process, MB of its workers, open files
            of all), over time.
        seconds: Of the run.
        failures: What went wrong, in sentences.
    """

    name: str
    iterations: int = 0
    samples: list[tuple[int, float, float, int]] = field(default_factory=list)
    seconds: float = 0.0
    failures: list[str] = field(default_factory=list)

    def at(self, share: float) -> tuple[float, ...]:
        """Return the median sample of the tenth of the run that ends at that share.

        Of one sample the open files tell how many batches happen to be on their way:
        each tensor that a worker has sent holds one until it is taken.
        """
        if not self.samples:
            return (0.0, 0.0, 0.0, 0.0)
        end = self.samples[-1][0]
        tenth = [s for s in self.samples if (share - 0.1) * end <= s[0] <= share * end]
        return tuple(np.median(tenth or self.samples[:1], axis=0))

    def slope(self, column: int) -> float:
        """Return the growth of a column per 1000 iterations, from a tenth on."""
        values = np.array(
            [s for s in self.samples if s[0] >= 0.1 * self.samples[-1][0]]
        )
        return float(np.polyfit(values[:, 0], values[:, column], 1)[0] * 1000)


def run_long(
    server: Server, folder: Path, name: str, iterations: int, limit: float = 7200
) -> Result:
    """Train so long with two workers, and sample memory and open files every second.

    Args:
        server: Starts the process.
        folder: Empty.
        name: A key of `RUNS`.
        iterations: At least.
        limit: Seconds after which the run counts as one that hangs.
    """
    method, options = RUNS[name]
    epochs = -(-iterations // STEPS_PER_EPOCH)
    changes = COMMON | options | dict(train_cfg__max_epochs=epochs)
    run = make_run(method, folder, **changes)
    work_dir = folder / 'run'
    if name == 'packed':
        words = ('prepare', 'pack', folder / 'scenes', folder / 'packed')
        packing = server.run('rsp', folder / 'pack.log', *words, '--workers', 0)
        assert packing.wait(60), packing.text
    job = server.start(
        folder / 'run.log', run.config, '--work-dir', work_dir, processes=1
    )
    result = Result(name)
    while job.status is None and job.seconds < limit:
        time.sleep(1)
        sample = measure(job, work_dir)
        if sample is not None:
            result.samples.append(sample)
    result.seconds = job.seconds
    result.iterations = logged_step(work_dir)
    if job.status != 0:
        job.clear()
        result.failures.append(f'{name} ended with {job.status}: {job.log}')
    elif len(result.samples) < 10:
        result.failures.append(f'{name}: only {len(result.samples)} samples')
    else:
        (_, *early), (_, *late) = result.at(0.2), result.at(1)
        for what, allowed, one, other in zip(
            ('MB of the training', 'MB of the workers', 'open files'),
            (MAY_GROW, MAY_GROW, MAY_OPEN),
            early,
            late,
            strict=True,
        ):
            if other > one + allowed:
                result.failures.append(f'{name}: {one:.0f} -> {other:.0f} {what}')
    return result


def measure(job: Job, work_dir: Path) -> tuple[int, float, float, int] | None:
    """Return a sample of `Result`, None before the first logged step."""
    step, ranks = logged_step(work_dir), job.ranks()
    if not step or not ranks:
        return None
    workers = [pid for pid, parent in job.processes().items() if parent == ranks[0]]
    try:
        own = resident(ranks[0])
        theirs = sum(resident(pid) for pid in workers)
        files = sum(len(os.listdir(f'/proc/{pid}/fd')) for pid in [*ranks, *workers])
    except OSError:  # It has ended.
        return None
    # Around the end of an epoch workers may be few; they persist, so that is the end.
    return (step, own, theirs, files) if len(workers) == 2 else None


def resident(pid: int) -> float:
    """Return the resident memory of a process in MB."""
    pages = int(Path(f'/proc/{pid}/statm').read_text().split()[1])
    return pages * os.sysconf('SC_PAGE_SIZE') / 1e6


def logged_step(work_dir: Path) -> int:
    """Return the last logged iteration, 0 before the first."""
    for file in work_dir.glob('*/vis_data/scalars.json'):
        with file.open('rb') as lines:
            lines.seek(max(0, file.stat().st_size - 4000))
            # The last line may be half written.
            for line in reversed(lines.read().splitlines(keepends=True)):
                if line.endswith(b'\n') and b'"step"' in line:
                    step: int = json.loads(line)['step']
                    return step
    return 0
