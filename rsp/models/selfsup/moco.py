"""Let mmpretrain's MoCo accumulate gradients."""

from typing import Any

import torch
from mmengine.dist import all_gather
from torch import Tensor, nn

from rsp.models.modules.passes import Passes


class MoCoPasses(Passes):
    """Move the teacher of mmpretrain's ``MoCo`` once per step of the optimizer.

    Its ``loss`` moves the teacher and stores the keys in every pass. Here the first
    pass of a step does the one, and the last pass stores the keys of all. The model is
    changed in place; what its checkpoints hold stays.

    Args:
        model: mmpretrain's ``MoCo``.
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        self._update = type(model.encoder_k).update_parameters
        model.encoder_k.update_parameters = self._update_teacher
        model._dequeue_and_enqueue = self._push

    def _update_teacher(self, student: nn.Module) -> None:
        if self.is_first_pass:
            self._update(self.model.encoder_k, student)

    @torch.no_grad()
    def _push(self, keys: Tensor) -> None:
        self.held = (*self.held, *all_gather(keys))
        if not self.is_last_pass:
            return
        keys, self.held = torch.cat(self.held), ()
        queue, place = self.model.queue, self.model.queue_ptr
        # Wraps around: a last step may have fewer passes.
        slots = (place + torch.arange(len(keys), device=keys.device)) % queue.shape[1]
        queue.index_copy_(1, slots, keys.T.to(queue.dtype))
        place.copy_((place + len(keys)) % queue.shape[1])
