"""Check data and checkpoints of a comparison before hours are spent on it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.registry import MODELS, DefaultScope

from rsp import checkpoints
from rsp.engine.cfg_options import parse_options
from rsp.engine.train import drop_pretrained_init_cfg, load_config
from rsp.errors import UserError
from rsp.evaluation.analysis.trainings.subset import find_dataset
from rsp.prepare.check import check_datasets
from rsp.prepare.leaks.cli import TEST
from rsp.prepare.leaks.guard import find_leaks, image_files
from rsp.prepare.transfer.runs import RANDOM, Run


@dataclass(frozen=True)
class Checked:
    """Hold what was found of a task.

    Attributes:
        loaded: Per cent of the backbone that each checkpoint fills, by name.
        leaked: Per cent of the test images that were seen in pre-training; None if
            nobody said in what.
    """

    loaded: Mapping[str, float]
    leaked: float | None = None


def name_checkpoints(files: Sequence[str]) -> dict[str, str]:
    """Name checkpoints by the last parts of their paths that tell them apart.

    Raises:
        UserError: If one is not there, or is there twice.
    """
    for file in files:
        if file != RANDOM and not Path(file).is_file():
            raise UserError(
                f"expected a checkpoint, or '{RANDOM}', got '{file}', which is no file."
            )
    if len({*files}) < len(files):
        raise UserError(f'expected different checkpoints, got {", ".join(files)}.')
    parts = {file: Path(file).with_suffix('').parts for file in files}
    for count in range(1, max(map(len, parts.values())) + 1):
        names = {'-'.join(path[-count:]): file for file, path in parts.items()}
        if len(names) == len(files):
            break
    return {name.strip('/-'): file for name, file in names.items()}


def check_task(
    runs: Sequence[Run], look: bool = True, pretraining: str | None = None
) -> Checked:
    """Check the data of a task, that each checkpoint loads whole, and leaks.

    Args:
        runs: Of the task, all of one config.
        look: Whether to read through all data.
        pretraining: Folder or config of the images that checkpoints have seen.

    Raises:
        UserError: If data are not there or damaged, or a checkpoint does not load.
    """
    options = parse_options(list(runs[0].options))
    cfg = load_config(runs[0].config, None, 'none', options)
    # Of a benchmark's server; nothing here needs it.
    cfg.pop('submission_dataloader', None)
    if look:
        if runs[0].task.share < 100:
            # All of them, once each.
            find_dataset(cfg)[1].pop('indices', None)
        for split in check_datasets(cfg):
            if split.problems:
                raise UserError(
                    f'{runs[0].task.name}: {split.name}: {split.problems[0]} '
                    f'({len(split.problems)} problems; rsp prepare check '
                    f'{runs[0].config} lists them)'
                )
    loaded = {}
    for name, file in {run.name: run.checkpoint for run in runs}.items():
        if file == RANDOM:
            continue
        backbone_cfg: Any = cfg.model.backbone
        drop_pretrained_init_cfg(backbone_cfg)
        with DefaultScope.overwrite_default_scope(cfg.get('default_scope')):
            backbone = MODELS.build(backbone_cfg)
        loaded[name] = checkpoints.load_pretrained(backbone, file).percent
    leaked = None
    if pretraining is not None:
        first = image_files(pretraining, ('train_dataloader',))
        leaked = find_leaks(first, _test_images(cfg)).percent
    return Checked(loaded, leaked)


def _test_images(cfg: Any) -> list[str]:
    from rsp.prepare.leaks.guard import dataset_images

    with DefaultScope.overwrite_default_scope(cfg.get('default_scope')):
        loader = next(cfg[key] for key in TEST if cfg.get(key))
        return [*dict.fromkeys(dataset_images(dict(loader['dataset'])))]
