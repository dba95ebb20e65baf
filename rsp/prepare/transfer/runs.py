"""Run or resume the trainings of a comparison, and read their scores."""

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config

from rsp.engine.cfg_options import parse_options
from rsp.engine.processes.commands import run_command
from rsp.engine.report.run import read_run
from rsp.engine.train import LOADERS, load_config
from rsp.errors import UserError
from rsp.evaluation.analysis.trainings.subset import write_subset
from rsp.io.files import write_atomically
from rsp.io.text import load_json
from rsp.prepare.transfer.tasks import Task

RANDOM = 'random'
METRICS = 'metrics.json'


@dataclass(frozen=True)
class Run:
    """Hold a training, or a test of probes, of one seed.

    Attributes:
        task: Its task.
        checkpoint: File, or ``'random'``.
        name: Of the checkpoint.
        seed: Of weights, order and augmentation.
        config: Path below ``configs``.
        metric: Key of the score.
        options: Overrides of the config.
        trains: Whether it trains; else its test fits probes.
        folder: Work dir.
    """

    task: Task
    checkpoint: str
    name: str
    seed: int
    config: str
    metric: str
    options: tuple[str, ...]
    trains: bool
    folder: Path

    @property
    def training(self) -> list[str]:
        """Return the words of `rsp` that train it or go on; none for a probe."""
        if not self.trains:
            return []
        start = [] if self.checkpoint == RANDOM else ['--pretrained', self.checkpoint]
        return ['train', self.config, *start, '--resume', *self._common]

    @property
    def testing(self) -> list[str]:
        """Return the words of `rsp` that score it on the test images."""
        tested, more = self.checkpoint, []
        if self.trains:
            tested = str(self._trained())
        elif self.checkpoint == RANDOM:
            # Weights that were never trained need statistics of batch norm.
            more = ['test_cfg.reestimate_batch_norm=True']
        out = ['--out', str(self.folder / METRICS)]
        return ['test', self.config, tested, *out, *self._common, *more]

    @property
    def _common(self) -> list[str]:
        seed = f'randomness.seed={self.seed}'
        folder = ['--work-dir', str(self.folder)]
        return [*folder, '--cfg-options', seed, *self.options]

    def _trained(self) -> Path:
        """Return the checkpoint that did best in validation, else the last one."""
        best = sorted(self.folder.glob('best_*.pth'), key=lambda f: f.stat().st_mtime)
        if best:
            return best[-1]
        return Path((self.folder / 'last_checkpoint').read_text().strip())

    @property
    def is_trained(self) -> bool:
        """Tell whether nothing is left but to score it."""
        if not self.trains:
            return True
        return self.folder.is_dir() and read_run(self.folder, self.name).finished

    @property
    def settings(self) -> dict[str, Any]:
        """Return all that its score depends on."""
        size = 0 if self.checkpoint == RANDOM else Path(self.checkpoint).stat().st_size
        return dict(
            config=self.config,
            checkpoint=self.checkpoint,
            size=size,
            seed=self.seed,
            options=[*self.options],
        )

    def score(self) -> float | None:
        """Return its score in per cent; None if it is not done.

        Raises:
            UserError: If the folder holds a run of other settings.
        """
        file = self.folder / 'transfer.json'
        if not file.is_file():
            return None
        kept = load_json(file.read_bytes())
        if kept['settings'] != self.settings:
            raise UserError(
                f"expected a run of {self.settings} in '{self.folder}', got one of "
                f'{kept["settings"]}; choose another --out, or remove the folder.'
            )
        return kept.get('score')

    def prepare(self) -> None:
        """Write down its settings, so that no other run goes on in its folder."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.score() is None:
            self._write(dict(settings=self.settings))

    def finish(self) -> float:
        """Read its score on the test images, and keep it.

        Raises:
            UserError: If it was not measured.
        """
        numbers = load_json((self.folder / METRICS).read_bytes())
        if self.metric not in numbers:
            raise UserError(
                f"expected '{self.metric}' among the scores of '{self.folder}', got "
                f'{", ".join(numbers) or "none"}; test by it, or see the log there.'
            )
        score = numbers[self.metric] * self.task.factor
        self._write(dict(settings=self.settings, score=score))
        return score

    def _write(self, content: Mapping[str, Any]) -> None:
        with write_atomically(self.folder / 'transfer.json') as unfinished:
            unfinished.write_text(json.dumps(content, indent=1), encoding='utf-8')


def plan_runs(
    task: Task,
    checkpoints: Mapping[str, str],
    seeds: int,
    protocol: str,
    backbone: str,
    out: Path,
    data: str | None = None,
    options: Sequence[str] = (),
) -> list[Run]:
    """Plan the runs of a task.

    Args:
        task: To compare on.
        checkpoints: Files by name.
        seeds: Number of them.
        protocol: See `Task.recipe`.
        backbone: Of the configs, e.g. ``r50``.
        out: Folder of all runs.
        data: Folder in place of ``data`` of the configs.
        options: Overrides of all configs.

    Raises:
        MissingData: If a share of images is to be drawn and they are not there.
        UserError: If the task knows no such protocol or backbone.
    """
    config, metric, own, trains = task.recipe(protocol, backbone)
    config = f'downstream/{config}'
    moved = data_options(load_config(config, None, 'none', None), data)
    words = (*own, *moved, *options)
    configs = dict.fromkeys(range(seeds), config)
    if task.share < 100:
        configs = _subsets(task, config, words, seeds, out, trains)
    return [
        Run(
            task,
            file,
            name,
            seed,
            configs[seed],
            metric,
            words,
            trains,
            out / task.name / protocol / name / f'seed_{seed}',
        )
        for name, file in checkpoints.items()
        # Probes of a file draw nothing: another seed is the same number.
        for seed in range(seeds if trains or file == RANDOM else 1)
    ]


def _subsets(
    task: Task,
    config: str,
    words: Sequence[str],
    seeds: int,
    out: Path,
    trains: bool,
) -> dict[int, str]:
    """Write a config for each seed that trains on a share of the images, at all steps.

    All checkpoints get the same images.
    """
    if not trains:
        raise UserError(
            f"--shares expects a training, got the probe of '{task.name}'; take "
            '--protocol finetune, or rsp analyze probe, which has shares of its own.'
        )
    cfg = load_config(config, None, 'none', parse_options(words))
    folder = out / task.name / 'configs'
    return {
        seed: write_subset(config, task.share, seed, cfg, folder / f'seed_{seed}')
        for seed in range(seeds)
    }


def data_options(cfg: Config, data: str | None) -> list[str]:
    """Return overrides that read a config's data below another folder than ``data``.

    The images that ship with rsp stay where they are.
    """
    if data is None:
        return []
    found = []
    places = [(key, cfg.get(key)) for key in LOADERS]
    places.append(
        (
            'test_cfg.train_dataloader',
            (cfg.get('test_cfg') or {}).get('train_dataloader'),
        )
    )
    for key, loader in places:
        root = ((loader or {}).get('dataset') or {}).get('data_root')
        parts = root.split('/') if isinstance(root, str) else ['']
        if parts[0] == 'data' and parts[1:2] != ['quickstart']:
            moved = Path(data, *parts[1:])
            found.append(f'{key}.dataset.data_root={moved}')
    return found


def execute(run: Run) -> float:
    """Run or resume in processes of its own, their output in ``output.log``.

    Raises:
        UserError: If it fails, with the last line it printed.
    """
    run.prepare()
    if not run.is_trained:
        run_command(run.training, run.folder)
    run_command(run.testing, run.folder)
    return run.finish()


def slurm_line(run: Run, partition: str) -> str:
    """Return the command that trains it as a Slurm job, or scores it."""
    name = f'{run.task.name}-{run.name}-{run.seed}'
    trained = run.is_trained
    script = 'tools/slurm_test.sh' if trained else 'tools/slurm_train.sh'
    words = run.testing if trained else run.training
    return shlex.join(['bash', script, partition, name, *words[1:]])
