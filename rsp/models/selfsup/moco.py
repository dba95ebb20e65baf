"""Pre-train by MoCo: momentum contrast of two views."""

from typing import Any

import torch
from mmengine.dist import all_gather
from mmpretrain.models.selfsup import MoCo as MMPretrainMoCo
from torch import Tensor, nn

from rsp.errors import UserError
from rsp.models.modules.batch_shuffle import shuffle, unshuffle
from rsp.models.modules.passes import Passes
from rsp.models.modules.queue import OverwritesOldest
from rsp.models.modules.teacher import update_average
from rsp.ops import contrast
from rsp.registry import MODELS


@MODELS.register_module()
class MoCo(OverwritesOldest, Passes, MMPretrainMoCo):
    """Contrast two views of an image, one of them seen by a slowly following teacher.

    mmpretrain's ``MoCo``, with the same numbers, settings and checkpoints, and without
    its waits for the device: He et al., CVPR 2020, https://arxiv.org/abs/1911.05722,
    Eq. 1 the loss, Eq. 2 the teacher. The teacher's batch norm has the statistics that
    the student's had before the step.

    Differences: the teacher moves by one fused call; the queue takes any number of keys
    up to its length and wraps around; accumulated passes move the teacher once and
    store their keys together; under mixed precision cosines are those of float32.

    Batch:
        ``inputs``: two views, each (N, B, H, W), normalized.

    Shape of state: ``queue`` (D, L) with unit columns, ``queue_ptr`` (1,), the column
    that is overwritten next, and the teacher ``encoder_k``.
    """

    queue_name = 'queue'
    # Whether the teacher has moved in this process and was not set back since.
    _teacher_moves = False

    def loss(
        self, inputs: list[Tensor], data_samples: Any, **kwargs: Any
    ) -> dict[str, Tensor]:
        """Compute ``loss``, the one of the step; update the teacher and the queue."""
        query_view, key_view = inputs
        queries = self.neck(self.backbone(query_view))[0]
        queries = contrast.l2_normalize(queries)  # (N, D)
        with torch.no_grad():
            if self.is_first_pass:  # of those that a step accumulates
                self.move_teacher()
            # One process alone shuffles, too: sums in another order, other numbers.
            views, order = shuffle(key_view, alone=True)
            keys = contrast.l2_normalize(self.encoder_k(views)[0])
            keys = unshuffle(keys, order)  # (N, D)
        # As in rsp.ops.contrast, in mmpretrain's order of sums.
        with torch.autocast(queries.device.type, enabled=False):
            positive = torch.einsum('nc,nc->n', [queries, keys]).unsqueeze(-1)
            negative = torch.einsum('nc,ck->nk', [queries, self.queue.clone()])
        loss = self.head.loss(positive, negative)
        self.push(keys)
        return dict(loss=loss)

    @torch.no_grad()
    def move_teacher(self) -> None:
        """Average the student's weights into the teacher; the first time, copy them."""
        # Asked until it has moved, which waits for the device; a step may be undone.
        self._teacher_moves = self._teacher_moves or int(self.encoder_k.steps) > 0
        student = nn.Sequential(self.backbone, self.neck)
        update_average(self.encoder_k, student, copy=not self._teacher_moves)

    @torch.no_grad()
    def push(self, keys: Tensor) -> None:
        """Overwrite the oldest keys with those of all ranks and accumulated passes.

        Args:
            keys: This rank's keys, shape (N, D); every rank brings the same N.
        """
        self.held = (*self.held, *all_gather(keys))
        if not self.is_last_pass:
            return
        keys, self.held = torch.cat(self.held), ()
        self.overwrite_oldest(self.queue_ptr, keys)

    def preflight(self, dataset: Any, batch_size: int) -> None:
        """Fail before the first step on data that cannot train this model.

        Args:
            dataset: Images in two views; not looked at.
            batch_size: Items of a step, of all processes together.

        Raises:
            UserError: If a step brings more keys than the queue holds.
        """
        if batch_size > self.queue_len:
            raise UserError(
                f'{batch_size} keys per step do not fit a queue of {self.queue_len}; '
                "lower the batch size or raise 'queue_len' of the model."
            )

    def _load_from_state_dict(self, *args: Any, **kwargs: Any) -> None:
        self._teacher_moves = False
        super()._load_from_state_dict(*args, **kwargs)
