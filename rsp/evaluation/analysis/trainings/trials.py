"""Train settings that differ in one thing, over seeds, and score what they learned."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rsp.engine.cfg_options import parse_options
from rsp.engine.processes.commands import run_command
from rsp.engine.report.run import read_run
from rsp.engine.train import load_config
from rsp.errors import UserError
from rsp.evaluation.analysis.trainings.schedule import stretch_schedule
from rsp.evaluation.analysis.trainings.scores import score_backbone, write_untrained
from rsp.io.configs import find_config
from rsp.io.files import write_atomically
from rsp.io.text import load_json

KEPT = 'trial.json'
UNTRAINED = 'untrained'


@dataclass(frozen=True)
class Setting:
    """Hold what is trained, by one config, with several seeds.

    Attributes:
        label: In tables.
        config: To train.
        options: Overrides of it.
        trains: Whether it is trained; else its weights are drawn alone.
    """

    label: str
    config: str
    options: tuple[str, ...] = ()
    trains: bool = True


@dataclass(frozen=True)
class Trial:
    """Hold a setting with a seed.

    Attributes:
        setting: It.
        seed: Of weights, order, augmentation, and the draw of few labels.
        data: Labeled images to score by.
        folder: Work dir.
    """

    setting: Setting
    seed: int
    data: str
    folder: Path

    @property
    def facts(self) -> dict[str, Any]:
        """Return all that its scores depend on."""
        return dict(
            config=self.setting.config,
            options=[*self.setting.options],
            trains=self.setting.trains,
            seed=self.seed,
            data=self.data,
        )

    def kept(self) -> dict[str, float] | None:
        """Return the scores of an earlier call, or None.

        Raises:
            UserError: If the folder holds another trial.
        """
        file = self.folder / KEPT
        if not file.is_file():
            return None
        kept = load_json(file.read_bytes())
        if kept['facts'] != self.facts:
            raise UserError(
                f"expected a training of {self.facts} in '{self.folder}', got one of "
                f'{kept["facts"]}; choose another --out, or remove the folder.'
            )
        return kept.get('scores')

    def run(self) -> dict[str, float]:
        """Train or go on, and score.

        Raises:
            UserError: If the training fails, or the images cannot be scored by.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self._write({})
        if self.setting.trains:
            checkpoint = self._train()
        else:
            checkpoint = self.folder / 'untrained.pth'
            words = parse_options(self.setting.options)
            cfg = load_config(self.setting.config, str(self.folder), 'none', words)
            write_untrained(cfg, checkpoint, self.seed)
        scores = score_backbone(
            checkpoint, self.data, self.seed, reestimate=not self.setting.trains
        )
        self._write(dict(scores=scores))
        return scores

    def _train(self) -> Path:
        if not read_run(self.folder, self.setting.label).finished:
            run_command(
                ['train', self.setting.config, '--work-dir', str(self.folder),
                 '--resume', '--no-validate', '--cfg-options',
                 f'randomness.seed={self.seed}', *self.setting.options],
                self.folder,
            )  # fmt: skip
        return Path((self.folder / 'last_checkpoint').read_text().strip())

    def _write(self, content: Mapping[str, Any]) -> None:
        text = json.dumps(dict(facts=self.facts, **content), indent=1)
        with write_atomically(self.folder / KEPT) as unfinished:
            unfinished.write_text(text, encoding='utf-8')


def check_settings(settings: Sequence[Setting]) -> None:
    """Read the config of each setting, so that a wrong key fails before the first.

    Raises:
        UserError: If a config is missing or an override leads nowhere.
    """
    for setting in settings:
        words = parse_options(setting.options)
        cfg = load_config(setting.config, None, 'none', words)
        if cfg.get('model') is None or cfg.get('train_dataloader') is None:
            raise UserError(
                "expected the config of a training, got '"
                f"{find_config(setting.config)}', which has no model or no "
                'train_dataloader.'
            )


def run_trials(
    settings: Sequence[Setting],
    seeds: Sequence[int],
    data: str,
    out: Path,
    tell: Callable[[str], None],
    after_each: Callable[[Mapping[str, Sequence[Mapping[str, float]]]], None],
) -> dict[str, list[dict[str, float]]]:
    """Run what is not done, all settings by one seed before the next.

    Args:
        settings: With labels of their own.
        seeds: Of each.
        data: Labeled images.
        out: Folder of a folder per setting and seed.
        tell: Prints progress.
        after_each: Called with what is there; writes the table.

    Returns:
        By label, the scores of every seed.
    """
    found: dict[str, list[dict[str, float]]] = {}
    for seed in seeds:
        for setting in settings:
            folder = out / _folder_name(setting.label) / f'seed_{seed}'
            trial = Trial(setting, seed, data, folder)
            scores = trial.kept()
            if scores is None:
                tell(f'{setting.label}, seed {seed} ...')
                scores = trial.run()
            told = ', '.join(f'{name} {value:.1f}' for name, value in scores.items())
            tell(f'{setting.label}, seed {seed}: {told}')
            found.setdefault(setting.label, []).append(scores)
            after_each(found)
    return found


def baseline(config: str, options: Sequence[str]) -> list[Setting]:
    """Return the setting that is not trained; none where training starts elsewhere."""
    cfg = load_config(config, None, 'none', parse_options(options))
    if cfg.get('checkpoint'):
        return []
    return [Setting(UNTRAINED, config, tuple(options), trains=False)]


def common_options(
    config: str, epochs: int | None, cfg_options: Sequence[str]
) -> tuple[str, ...]:
    """Return the overrides that all settings share, the number of epochs among them."""
    cfg = load_config(config, None, 'none', parse_options(cfg_options))
    stretched = [] if epochs is None else stretch_schedule(cfg, epochs)
    return (*cfg_options, *stretched, 'default_hooks.checkpoint.max_keep_ckpts=1')


def _folder_name(label: str) -> str:
    kept = [c if c.isalnum() or c in '.-' else '_' for c in label]
    return ''.join(kept).strip('_') or 'empty'
