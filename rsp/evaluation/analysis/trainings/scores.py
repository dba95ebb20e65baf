"""Score the backbone that a training left, with many and with few labels."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.registry import MODELS, DefaultScope
from mmengine.utils import import_modules_from_strings

from rsp.evaluation.analysis.backbones import Encoder, load_encoders
from rsp.evaluation.analysis.images import ImageSet, batches
from rsp.evaluation.analysis.probe import open_labeled, pooled_features
from rsp.evaluation.analysis.protocols import accuracies, draw_share
from rsp.evaluation.analysis.stages import STAGES
from rsp.evaluation.batch_norm import reestimate_batch_norm
from rsp.evaluation.features import standardize
from rsp.io.files import write_atomically

FEW = 5.0  # per cent of the labels
SCORES = {
    'knn': 'kNN',
    'linear': 'linear',
    'knn_few': f'kNN, {FEW:g} % of the labels',
    'linear_few': f'linear, {FEW:g} % of the labels',
}


def score_backbone(
    checkpoint: str | Path, data: str, seed: int, reestimate: bool = False
) -> dict[str, float]:
    """Score the last stage of a frozen backbone, one vector per image.

    Args:
        checkpoint: Of a training.
        data: Labeled images, see `open_images`.
        seed: Draws the few labels; the same ones for all that are compared.
        reestimate: Take statistics of batch norm from the training images, for weights
            that were never trained.

    Returns:
        Keys of `SCORES`, top-1 in per cent.

    Raises:
        UserError: As of `probe_stages`.
    """
    train, test = open_labeled(data)
    assert train.labels is not None
    assert test.labels is not None
    (encoder,) = load_encoders([str(checkpoint)])
    if reestimate:
        _reestimate(encoder, train, seed)
    last = STAGES[-1]
    fitted, tested = standardize(
        *(pooled_features(encoder, x, None, [last], True)[last] for x in (train, test))
    )
    labels, truth = torch.from_numpy(train.labels), torch.from_numpy(test.labels)
    few = torch.from_numpy(draw_share(train.labels, FEW, seed))
    count = len(train.classes)
    found = accuracies(fitted, labels, tested, truth, count)
    fewer = accuracies(fitted[few], labels[few], tested, truth, count)
    return found | {f'{name}_few': score for name, score in fewer.items()}


def write_untrained(cfg: Config, file: Path, seed: int) -> None:
    """Write the model of a config, its weights drawn by the seed, as a checkpoint."""
    if cfg.get('custom_imports'):
        import_modules_from_strings(**cfg.custom_imports)
    model_cfg = dict(cfg.model)
    if cfg.get('data_preprocessor'):
        model_cfg.setdefault('data_preprocessor', cfg.data_preprocessor)
    torch.manual_seed(seed)
    with DefaultScope.overwrite_default_scope(cfg.get('default_scope', 'mmpretrain')):
        model = MODELS.build(model_cfg)
        with _without_notes():
            model.init_weights()
    state = dict(state_dict=model.state_dict(), meta=dict(cfg=cfg.pretty_text))
    with write_atomically(file) as unfinished:
        torch.save(state, unfinished)


@contextmanager
def _without_notes() -> Iterator[None]:
    # mmengine logs every tensor that it draws, in two lines.
    before = logging.root.manager.disable
    logging.disable(logging.INFO)
    try:
        yield
    finally:
        logging.disable(before)


def _reestimate(encoder: Encoder, images: ImageSet, seed: int) -> None:
    # Mixed, since a batch of one class has too small a variance.
    order = torch.randperm(
        len(images), generator=torch.Generator().manual_seed(seed)
    ).tolist()
    mixed = [(encoder.prepare(x), torch.empty(0))
             for x in batches(images.only(order), None, encoder)]  # fmt: skip
    reestimate_batch_norm(encoder.network, mixed)
