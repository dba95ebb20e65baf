"""Probe a frozen backbone as the test loop of a runner."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from mmengine import dist
from mmengine.evaluator import Evaluator
from mmengine.model import is_model_wrapper
from mmengine.runner import BaseLoop, Runner
from mmpretrain.structures import DataSample
from torch import Tensor
from torch.utils.data import DataLoader

from rsp.errors import UserError
from rsp.evaluation.batch_norm import reestimate_batch_norm
from rsp.evaluation.features import extract_features, standardize
from rsp.ops.accuracy import topk_accuracy
from rsp.registry import LOOPS, METRICS


@LOOPS.register_module()
class ProbeLoop(BaseLoop):
    """Score a frozen backbone by simple classifiers of its features.

    Features of the training and the test images are pooled to one vector each,
    standardized with the statistics of the training images, and given to every
    probe. No weight of the backbone changes, so the numbers are a function of
    checkpoint and data. Several processes share the images; each counts once.

    Args:
        runner: The runner; only ``model.backbone`` and ``model.data_preprocessor`` of
            its model are used.
        dataloader: Test images with labels.
        evaluator: Must be empty, ``test_evaluator=[]``: the probes do the scoring
            (mmengine insists on the key).
        train_dataloader: Images and labels the classifiers are fitted to. Shuffle it,
            see :func:`rsp.evaluation.batch_norm.reestimate_batch_norm`.
        probes: Configs such as ``dict(type='rsp.KNNProbe')``.
        reestimate_batch_norm: Whether to take the batch-norm statistics from the
            training images first, which a random backbone needs for a fair score.

    Metrics:
        ``<probe>/top1`` and, of five classes or more, ``<probe>/top5``, in per cent.
    """

    def __init__(
        self,
        runner: Runner,
        dataloader: DataLoader | dict,
        evaluator: Evaluator | list | dict,
        train_dataloader: DataLoader | dict,
        probes: Sequence[dict],
        reestimate_batch_norm: bool = False,
    ) -> None:
        super().__init__(runner, dataloader)
        if getattr(evaluator, 'metrics', evaluator):
            raise UserError(
                'ProbeLoop scores by its probes; set test_evaluator=[] and list them '
                "in test_cfg['probes']."
            )
        self.train_dataloader = runner.build_dataloader(
            train_dataloader, seed=runner.seed
        )
        self.probes = [METRICS.build(probe) for probe in probes]
        self.reestimate_batch_norm = reestimate_batch_norm

    def run(self) -> dict[str, float]:
        """Extract, standardize, fit and score.

        Returns:
            The metrics, in per cent.

        Raises:
            UserError: If training and test set disagree about the classes, or a
                sampler leaves images out.
        """
        self.runner.call_hook('before_test')
        self.runner.call_hook('before_test_epoch')
        num_classes = self._num_classes()
        if self.reestimate_batch_norm:
            batches = self._batches(self.train_dataloader)
            reestimate_batch_norm(self.model.backbone, batches, self._device)
        train, train_labels = self._extract(self.train_dataloader)
        test, test_labels = self._extract(self.dataloader, hooks=True)

        # By the training images alone; test images must not meet each other.
        train, test = standardize(train, test)
        metrics = {}
        for probe in self.probes:
            scores = probe(train, train_labels, test, num_classes)
            for k in (1, 5) if num_classes >= 5 else (1,):
                accuracy = topk_accuracy(scores, test_labels, k).item()
                metrics[f'{probe.name}/top{k}'] = accuracy

        self.runner.call_hook('after_test_epoch', metrics=metrics)
        self.runner.call_hook('after_test')
        return metrics

    @property
    def model(self) -> Any:
        """Return the model without DistributedDataParallel."""
        model = self.runner.model
        return model.module if is_model_wrapper(model) else model

    @property
    def _device(self) -> torch.device:
        return next(self.model.backbone.parameters()).device

    def _extract(
        self, loader: DataLoader, hooks: bool = False
    ) -> tuple[Tensor, Tensor]:
        """Extract features (N, C) and labels (N,) of a data set, in its order."""
        features, kept = extract_features(
            self.model.backbone, self._batches(loader, hooks), self._device
        )
        size = len(loader.dataset)  # type: ignore[arg-type]
        return in_dataset_order(features, kept, size)

    def _batches(
        self, loader: DataLoader, hooks: bool = False
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield normalized images (N, 3, H, W) and (label, dataset index), (N, 2)."""
        for number, batch in enumerate(loader):
            at = dict(batch_idx=number, data_batch=batch)
            if hooks:
                self.runner.call_hook('before_test_iter', **at)
            with torch.no_grad():
                batch = self.model.data_preprocessor(batch, training=False)
            kept = [_label_and_index(sample) for sample in batch['data_samples']]
            yield batch['inputs'], torch.tensor(kept)
            if hooks:
                self.runner.call_hook('after_test_iter', **at, outputs=None)

    def _num_classes(self) -> int:
        """Count the classes, which both data sets must agree about by name."""
        train, test = (
            loader.dataset.metainfo.get('classes')
            for loader in (self.train_dataloader, self.dataloader)
        )
        if train is None or test is None or tuple(train) != tuple(test):
            raise UserError(
                f'expected the same classes to fit and to test on, got {train} and '
                f"{test}; check the folders of test_cfg['train_dataloader'] and "
                'test_dataloader, or give both data sets metainfo=dict(classes=...).'
            )
        return len(test)


def _label_and_index(sample: DataSample) -> tuple[int, int]:
    missing = [key for key in ('gt_label', 'sample_idx') if key not in sample]
    if missing:
        raise UserError(
            f'expected a label and an index with every image, got no {missing}; set '
            "with_label=True and let PackInputs keep the meta key 'sample_idx'."
        )
    return int(sample.gt_label), sample.sample_idx


def in_dataset_order(
    features: Tensor, kept: Tensor, size: int
) -> tuple[Tensor, Tensor]:
    """Join the features of all processes, every image once.

    Samplers repeat images to give each process as many, so what counts is the index
    that each image carries, not its place.

    Args:
        features: Those of this process, shape (n, C).
        kept: Label and dataset index of each, shape (n, 2).
        size: N, number of images in the data set.

    Returns:
        Features (N, C) and labels (N,) in the order of the data set.

    Raises:
        UserError: If an image is missing.
    """
    parts = dist.all_gather_object((features, kept))
    features, kept = (torch.cat(part) for part in zip(*parts, strict=True))
    indices, first = np.unique(kept[:, 1].numpy(), return_index=True)
    if len(indices) != size:
        raise UserError(
            f'{len(indices)} of {size} images reached the probe; let the sampler give '
            'all of them: drop_last=False, round_up=True.'
        )
    return features[first], kept[first, 0]
