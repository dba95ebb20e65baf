"""Evaluate a checkpoint with the test of a config: numbers, images and files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mmengine
import numpy as np
import torch
from mmengine.config import Config
from mmengine.evaluator import DumpResults

from rsp import checkpoints
from rsp.engine.train import build_runner, drop_pretrained_init_cfg, load_config
from rsp.engine.wrong_config import explain_steps
from rsp.errors import UserError

# Words that stand for "no checkpoint" on the command line.
UNTRAINED = ('none', 'random')


def evaluation_config(
    config: str,
    checkpoint: str,
    work_dir: str | None = None,
    show_dir: str | None = None,
    launcher: str = 'none',
    cfg_options: Mapping[str, Any] | None = None,
    format_only: str | None = None,
    trust: bool = False,
) -> Config:
    """Build the config of an evaluation.

    Args:
        config: Path, see `find_config`.
        checkpoint: Of a pre-training, an exported backbone, a classifier; ``'none'`` or
            ``'random'`` leaves the weights untrained.
        work_dir: Folder of the logs.
        show_dir: Where to paint every prediction, beside the truth where known.
        launcher: See `training_config`.
        cfg_options: Overrides by dotted key.
        format_only: Write predictions for a benchmark's server to files of this
            prefix instead of scoring them.
        trust: Open checkpoints even if that can run code in them.

    Raises:
        MissingData: If the config or the checkpoint does not exist.
        UserError: If the config defines no test, or no files for a server.
    """
    cfg = load_config(config, work_dir, launcher, cfg_options)
    if cfg.get('test_cfg') is None:
        raise UserError(
            f'expected test_cfg, test_dataloader and test_evaluator in {config}, which '
            'defines no test; the evaluations of a backbone are in configs/downstream.'
        )
    cfg.resume = False
    if trust:
        cfg.trust = True
    if checkpoint in UNTRAINED:
        cfg.load_from = None
        drop_pretrained_init_cfg(cfg.model)
    else:
        # Fail early: an unreadable file should not wait for the model and the data.
        checkpoints.read(checkpoint, trust=cfg.get('trust', False), keep=True)
        cfg.load_from = checkpoint
    if show_dir is not None:
        cfg.default_hooks.visualization = dict(
            type='rsp.VisualizationHook', out_dir=show_dir
        )
    if format_only is not None:
        _only_format(cfg, format_only)
    return cfg


def check_result_file(out: str | None, out_item: str = 'metrics') -> None:
    """Refuse a result file before the evaluation instead of after it.

    Args:
        out: File for the result; None writes none.
        out_item: ``'metrics'`` (``.json``, ``.yaml``, ``.pkl``), or ``'pred'`` for the
            prediction of every image (``.pkl``).

    Raises:
        UserError: If the file's ending does not tell a format that fits.
    """
    endings = {'metrics': ('.json', '.yaml', '.pkl'), 'pred': ('.pkl',)}[out_item]
    if out is not None and Path(out).suffix not in endings:
        raise UserError(
            f'--out expects a file ending in {" or ".join(endings)} for {out_item}, '
            f"got '{out}'."
        )


def evaluate(cfg: Config, out: str | None = None, out_item: str = 'metrics') -> dict:
    """Evaluate, and write the result where asked.

    Args:
        cfg: See `evaluation_config`.
        out: See `check_result_file`.
        out_item: See `check_result_file`.

    Returns:
        The metrics.
    """
    check_result_file(out, out_item)
    runner = build_runner(cfg)
    if out is not None and out_item == 'pred':
        if not hasattr(runner.test_loop, 'evaluator'):
            raise UserError(
                f'--out-item pred expects a test that predicts something for every '
                f'image, got {type(runner.test_loop).__name__}; leave it out.'
            )
        runner.test_evaluator.metrics.append(DumpResults(out_file_path=out))
    with explain_steps(runner, cfg):
        metrics = runner.test()
    if out is not None and out_item == 'metrics' and runner.rank == 0:
        Path(out).parent.mkdir(parents=True, exist_ok=True)
        mmengine.dump(_plain(metrics), out)
    return metrics


# Metrics that write files for a server, and the argument that tells where.
_SERVER_FILES = dict(
    CocoMetric='outfile_prefix', DOTAMetric='outfile_prefix', IoUMetric='output_dir'
)


def _only_format(cfg: Config, prefix: str) -> None:
    """Turn a test into one that writes files for a benchmark's server.

    Raises:
        UserError: If no metric of the config can.
    """
    if cfg.get('submission_dataloader') is not None:
        cfg.test_dataloader = cfg.submission_dataloader
    evaluators = cfg.test_evaluator
    evaluators = [evaluators] if isinstance(evaluators, Mapping) else evaluators
    able = [
        (metric, argument)
        for metric in evaluators
        for name, argument in _SERVER_FILES.items()
        if metric['type'].endswith(name)
    ]
    if not able:
        raise UserError(
            f'--format-only expects a metric of {sorted(_SERVER_FILES)} in '
            f'test_evaluator, got {[metric["type"] for metric in evaluators]}.'
        )
    for metric, argument in able:
        metric.update({'format_only': True, argument: prefix})
    # The other metrics would need ground truth, which a server's test set lacks.
    cfg.test_evaluator = [metric for metric, _ in able]


def _plain(value: Any) -> Any:
    """Convert tensors and NumPy numbers to numbers that JSON can hold."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, torch.Tensor | np.ndarray | np.generic):
        return value.tolist()
    return value
