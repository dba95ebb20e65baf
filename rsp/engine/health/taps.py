"""Listen to one step of a method, without a pass of one's own."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from mmpretrain.models.selfsup import SimCLR, SwAV
from torch import Tensor, nn

from rsp.models.modules.queue import FeatureQueue
from rsp.ops.pool import pool

Pair = tuple[Tensor, Tensor]


class Taps:
    """Collect what a step computes: features, projections, and what is compared.

    Listens to the module behind the backbone (``neck``, of GeoKR ``classifier``), to
    ``head.loss`` and to what goes into the queue. Where neither is there, to the
    backbone. Nothing is copied and nothing waits for the device.

    Args:
        model: A method, without a wrapper.

    Attributes:
        features: Pooled outputs of the backbone, (N, C) each, call by call.
        projections: Outputs of the projector, (N, D) each.
        compared: Arguments of ``head.loss``, call by call.
        queued: Keys that were queued, (N, D) each.
    """

    def __init__(self, model: nn.Module) -> None:
        self.model: Any = model
        self.features: list[Tensor] = []
        self.projections: list[Tensor] = []
        self.compared: list[tuple[Any, ...]] = []
        self.queued: list[Tensor] = []
        self._open = ExitStack()

    def __enter__(self) -> 'Taps':
        model = self.model
        projector = self._projector()
        if projector is not None:
            handle = projector.register_forward_hook(self._project)
            self._open.callback(handle.remove)
        elif not _is_compiled(model.backbone):
            handle = model.backbone.register_forward_hook(self._encode)
            self._open.callback(handle.remove)
        if callable(getattr(model.head, 'loss', None)):
            self._listen(model.head, 'loss', self.compared.append)
        queue = getattr(model, 'queue', None)
        owner = queue if isinstance(queue, FeatureQueue) else model
        # Of mmpretrain's methods under a private name.
        for name in ('push', '_dequeue_and_enqueue'):
            if queue is not None and hasattr(owner, name):
                self._listen(owner, name, lambda args: self.queued.append(args[0]))
        return self

    def __exit__(self, *exception: Any) -> None:
        self._open.close()

    @property
    def pairs(self) -> list[Pair]:
        """Return projections of two views of the same images, (N, D) each."""
        if self.queued:
            return [*zip(self.projections, self.queued, strict=False)]
        if isinstance(self.model, SimCLR):
            # Rows of both views alternate.
            return [(z[0::2], z[1::2]) for z in self.projections]
        if isinstance(self.model, SwAV):
            # Two large crops come first, all images of one behind the other.
            images = [len(f) // 2 for f in self.features]
            return [
                (z[:n], z[n : 2 * n])
                for z, n in zip(self.projections, images, strict=True)
            ]
        if getattr(self.model, 'neck', None) is None:
            return []
        return [args[:2] for args in self.compared if _are_paired(args)]

    @property
    def mask(self) -> Tensor | None:
        """Return what a head of masked images was told to be masked."""
        for args in self.compared:
            # A reconstruction, the images, and the mask.
            if len(args) == 3 and getattr(args[0], 'ndim', 0) > 2:
                return args[2] if isinstance(args[2], Tensor) else None
        return None

    def _projector(self) -> Any:
        neck = getattr(self.model, 'neck', None)
        return neck if neck is not None else getattr(self.model, 'classifier', None)

    def _project(self, module: nn.Module, inputs: tuple, output: Any) -> None:
        self._encode(module, (), inputs[0])
        if isinstance(output, tuple | list) and output:
            output = output[0]
        if isinstance(output, Tensor) and output.ndim == 2:
            self.projections.append(output.detach())

    def _encode(self, module: nn.Module, inputs: tuple, output: Any) -> None:
        while isinstance(output, tuple | list) and output:
            # The deepest stage; of several sizes of crops the first one, the largest.
            deepest = isinstance(output[-1], Tensor)
            output = output[-1] if deepest else output[0]
        if isinstance(output, Tensor) and output.ndim in (2, 3, 4):
            self.features.append(pool(output).detach())

    def _listen(self, owner: Any, name: str, tell: Callable[[tuple], None]) -> None:
        """Hear the arguments of a method of one object until the end of the step."""
        was, method = vars(owner).get(name), getattr(owner, name)

        def heard(*args: Any, **kwargs: Any) -> Any:
            tell(tuple(a.detach() if isinstance(a, Tensor) else a for a in args))
            return method(*args, **kwargs)

        setattr(owner, name, heard)
        if was is None:
            self._open.callback(delattr, owner, name)
        else:
            self._open.callback(setattr, owner, name, was)


def _are_paired(args: tuple) -> bool:
    tensors = [a for a in args[:2] if isinstance(a, Tensor) and a.ndim == 2]
    return len(tensors) == 2 and tensors[0].shape == tensors[1].shape


def _is_compiled(module: nn.Module) -> bool:
    return getattr(module, '_compiled_call_impl', None) is not None
