"""Start a training with a pre-trained backbone, and report what was loaded."""

import json
from pathlib import Path
from typing import Any

from mmengine.runner import Runner

from rsp import checkpoints
from rsp.engine.distributed import unwrap_model


def load_backbone(runner: Runner, checkpoint: str) -> checkpoints.LoadReport:
    """Fill the backbone of a runner's model from a file.

    What became of every tensor is logged and written to ``load_report.json`` of the
    work dir, also if the file is refused.

    Args:
        runner: Its config may hold ``allow_partial``, ``inflate_stem``, ``trust`` and
            ``bands``.
        checkpoint: File, see `rsp.checkpoints.load_pretrained`.

    Raises:
        UserError: If the file is missing or does not fill the backbone.
    """
    model: Any = unwrap_model(runner.model)
    cfg = runner.cfg
    try:
        report = checkpoints.load_pretrained(
            model.backbone,
            checkpoint,
            allow_partial=cfg.get('allow_partial', False),
            trust=cfg.get('trust', False),
            inflate_stem=cfg.get('inflate_stem', False),
        )
    except checkpoints.MismatchError as error:
        # Its message names the first tensors; all of them are wanted now.
        _write_report(runner, error.report)
        raise
    for kernel in report.rgb_kernels:
        if getattr(model, 'source_stems', None):
            model.take_rgb_stem(kernel)
    if getattr(model, 'teacher', None) is not None:
        # A pre-training that goes on from here: both start at the same place.
        model.teacher.copy_from(model.student)
    runner.logger.info(str(report))
    mean, std = (_statistic(model.data_preprocessor, name) for name in ('mean', 'std'))
    for text in checkpoints.differences(report.card, mean, std, cfg.get('bands')):
        runner.logger.warning(
            f"'{checkpoint}' was trained on other pixels: {text}. Change the "
            'data_preprocessor of this config, or expect a worse start.'
        )
    _write_report(runner, report)
    return report


def _write_report(runner: Runner, report: checkpoints.LoadReport) -> None:
    if runner.rank == 0:
        file = Path(runner.work_dir, 'load_report.json')
        file.write_text(json.dumps(report.to_dict(), indent=1) + '\n')


def _statistic(preprocessor: Any, name: str) -> list[float] | None:
    buffer = getattr(preprocessor, name, None)
    return None if buffer is None else buffer.flatten().tolist()
