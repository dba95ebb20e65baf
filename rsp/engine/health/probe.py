"""Score a backbone in training by the nearest neighbors of labeled images."""

import inspect
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmpretrain.registry import DATASETS, MODELS
from torch import Tensor, nn

from rsp.engine.resume.random_state import random_state_kept
from rsp.engine.wrong_config.reading import read_config
from rsp.errors import UserError
from rsp.evaluation.features import extract_features, standardize
from rsp.evaluation.knn import knn_scores
from rsp.io.configs import find_config
from rsp.ops.accuracy import topk_accuracy

BATCH = 64
# As in the project's probes, see rsp.evaluation.knn.
NEIGHBORS = 20


class Probe:
    """Classify test images by the nearest training images, as a classification would.

    Images are read once and kept as bytes; features are standardized by the training
    images. Neither weights nor statistics nor random numbers of the training change.

    Args:
        config: Classification config, a path or a dict: ``config`` with the path, and
            ``train`` and ``test``, the number of images of each (500 and 250), evenly
            chosen. Of the config, the data sets of ``train_dataloader`` (or that of
            ``test_cfg``) and ``test_dataloader``, both with the pipeline of the latter,
            and the data preprocessor.
        model: A method, whose backbone is scored.
    """

    def __init__(self, config: str | dict[str, Any], model: Any) -> None:
        options: Any = dict(config=config) if isinstance(config, str) else dict(config)
        cfg = read_config(find_config(str(options.pop('config'))))
        self.counts: dict[str, int] = dict(train=500, test=250) | options
        self.encoder = Unmasked(model.backbone)
        self.device = next(model.parameters()).device
        preprocessor = cfg.get('data_preprocessor') or cfg.model.get(
            'data_preprocessor'
        )
        settings = dict(type='ClsDataPreprocessor') | dict(preprocessor or {})
        self.preprocessor = MODELS.build(settings).to(self.device)
        train, test = _datasets(cfg)
        self.datasets = dict(train=train, test=test)
        self.images: dict[str, list[dict]] = {}
        self.seconds: float | None = None

    @property
    def cost(self) -> float:
        """Seconds that the next score will take; the first time it tries one batch."""
        if self.seconds is None:
            batch = self._read('test', BATCH)
            # The first time of all takes longer.
            for _ in range(2):
                started = time.perf_counter()
                extract_features(self.encoder, self._batches([batch]), self.device)
            count = len(batch['data_samples'])
            share = sum(self.counts.values()) / max(count, 1)
            self.seconds = (time.perf_counter() - started) * share
        return self.seconds

    def score(self) -> float:
        """Return the top-1 accuracy, per cent."""
        started = time.perf_counter()
        features = {}
        for name in ('train', 'test'):
            if name not in self.images:
                self.images[name] = [*self._read_all(name)]
            batches = self._batches(self.images[name])
            features[name] = extract_features(self.encoder, batches, self.device)
        (train, labels), (test, truth) = features['train'], features['test']
        train, test = standardize(train, test)
        classes = int(torch.cat([labels, truth]).max()) + 1
        k = min(NEIGHBORS, len(train))
        scores = knn_scores(train, labels, test, classes, k)
        self.seconds = time.perf_counter() - started
        return topk_accuracy(scores, truth, 1).item()

    def _read_all(self, name: str) -> Iterator[dict]:
        for start in range(0, self.counts[name], BATCH):
            yield self._read(name, BATCH, start)

    def _read(self, name: str, count: int, start: int = 0) -> dict:
        dataset, wanted = self.datasets[name], self.counts[name]
        chosen = np.linspace(0, len(dataset) - 1, min(wanted, len(dataset)))
        indices = np.unique(chosen.round().astype(int))[start : start + count]
        with random_state_kept():
            items = [dataset[int(index)] for index in indices]
        return pseudo_collate(items) if items else dict(inputs=[], data_samples=[])

    def _batches(self, batches: list[dict]) -> Iterator[tuple[Tensor, Tensor]]:
        for batch in batches:
            if batch['data_samples']:
                ready = self.preprocessor(batch, training=False)
                labels = [int(sample.gt_label) for sample in ready['data_samples']]
                yield ready['inputs'], torch.tensor(labels)


class Unmasked(nn.Module):
    """Encode whole images by a backbone that may be trained on masked ones."""

    def __init__(self, backbone: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone
        takes_mask = 'mask' in inspect.signature(backbone.forward).parameters
        self.options: dict[str, Any] = dict(mask=None) if takes_mask else {}

    def forward(self, images: Tensor) -> Any:
        """Encode (N, C, H, W)."""
        return self.backbone(images, **self.options)


def _datasets(cfg: Config) -> tuple[Any, Any]:
    """Build training and test images of a classification, without augmentation."""
    inner = (cfg.get('test_cfg') or {}).get('train_dataloader')
    train, test = inner or cfg.get('train_dataloader'), cfg.get('test_dataloader')
    if not train or not test:
        raise UserError(
            "expected a classification config with 'train_dataloader' and "
            "'test_dataloader' as probe of rsp.HealthHook; take one of "
            'configs/downstream/classification.'
        )
    pipeline = test.dataset.pipeline
    built = [
        DATASETS.build(dict(part.dataset, pipeline=pipeline)) for part in (train, test)
    ]
    return built[0], built[1]
