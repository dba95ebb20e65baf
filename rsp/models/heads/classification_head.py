"""Classify the photos of a supervised branch."""

from typing import Any

from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn import functional as F

from rsp.errors import UserError
from rsp.ops import check
from rsp.ops.accuracy import topk_accuracy
from rsp.registry import MODELS


@MODELS.register_module()
class ClassificationHead(BaseModule):
    """Classify pooled features by one linear layer.

    Unlike mmpretrain's LinearClsHead it takes all labels of a batch as one tensor
    and keeps PyTorch's own initialization, as published for GeRSP.

    Args:
        num_classes: K.
        in_channels: C, size of a pooled feature.
        init_cfg: Weight initialization.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.num_classes = num_classes
        # mmpretrain's LinearClsHead would draw it from a normal distribution.
        self.fc = nn.Linear(in_channels, num_classes)

    def forward(self, feats: Tensor) -> Tensor:
        """Compute class logits (N, K) of pooled features (N, C).

        Raises:
            UserError: If the features are not of the size the layer was made for.
        """
        check.equal(
            'pooled features of size',
            feats.shape[1],
            self.fc.in_features,
            f"set 'in_channels' of the classification head to {feats.shape[1]}",
        )
        return self.fc(feats)

    def loss(self, feats: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Compute cross-entropy and accuracies.

        Args:
            feats: Pooled features, shape (N, C).
            labels: Class indices 0..K-1, shape (N,).

        Returns:
            ``loss_supervised``, mean over N in nats; ``supervised_top1`` and
            ``supervised_top5``, per cent.
        """
        logits = self(feats)
        return dict(
            loss_supervised=F.cross_entropy(logits, labels),
            supervised_top1=topk_accuracy(logits.detach(), labels, 1),
            supervised_top5=topk_accuracy(logits.detach(), labels, 5),
        )

    def check_labels(self, dataset: Any) -> None:
        """Refuse labels that have no class.

        Args:
            dataset: Has ``labels``, class indices of all images, shape (N,).

        Raises:
            UserError: If there are no labels, or one is outside 0..K-1.
        """
        labels = getattr(dataset, 'labels', None)
        if labels is None:
            raise UserError(
                'expected labeled images for the classification head, got none; set '
                'with_label=True and give class folders or a list file.'
            )
        wrong = (labels < 0) | (labels >= self.num_classes)
        if wrong.any():
            first = int(wrong.argmax())
            raise UserError(
                f'expected labels within 0..{self.num_classes - 1}, got '
                f"{labels[first]} for '{dataset.get_data_info(first)['img_path']}' "
                f"({wrong.sum()} such images); set 'num_classes' of the "
                f'classification head, or correct the list file.'
                f'{check.class_folders(dataset)}'
            )
