"""Normalize by the statistics of all processes, without a GPU."""

from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.autograd.function import once_differentiable
from torch.nn.modules.batchnorm import _BatchNorm

from rsp.ops import check
from rsp.ops.precision import upcast


class CPUSyncBatchNorm(_BatchNorm):
    r"""Normalize as batch norm over the batches of all processes together does.

    ``torch.nn.SyncBatchNorm`` does so on GPUs only, and its parameters, buffers and
    their names are the same here. With :math:`n_r` values per channel on rank r, of
    mean :math:`m_r` and biased variance :math:`v_r`,

    .. math::
        n = \sum_r n_r,\qquad m = \frac1n \sum_r n_r m_r,\qquad
        v = \frac1n \sum_r n_r \left(v_r + (m_r - m)^2\right)

    so one collective tells all, and nothing is squared that is not centered. Running
    statistics take :math:`v\,n / (n - 1)`, as batch norm's do. The gradient is that of
    the sum of all ranks' losses, as torch's; DistributedDataParallel averages it.

    Batches may differ in size, and single ones may be empty. Every process has to take
    part in every pass in training; in evaluation none needs another.

    Shape: (N, C, ...) to the same.
    """

    def _check_input_dim(self, input: Tensor) -> None:
        check.at_least('dimensions of the input of batch norm', input.dim(), 2)

    def forward(self, input: Tensor) -> Tensor:
        """Normalize (N, C, ...)."""
        self._check_input_dim(input)
        if not self.training or _processes() == 1:
            return super().forward(input)
        output, mean, var, count = _Normalize.apply(  # type: ignore[no-untyped-call]
            input, self.weight, self.bias, self.eps
        )
        if self.track_running_stats:
            self._follow(mean, var, count)
        return output

    @torch.no_grad()
    def _follow(self, mean: Tensor, var: Tensor, count: Tensor) -> None:
        """Move the running statistics, in place."""
        tracked: Any = self.num_batches_tracked
        tracked.add_(1)
        share = 1 / tracked.item() if self.momentum is None else self.momentum
        unbiased = var * count / (count - 1)
        for running, value in ((self.running_mean, mean), (self.running_var, unbiased)):
            assert running is not None
            running.lerp_(value.to(running.dtype), share)


class _Normalize(torch.autograd.Function):
    """Normalize a process's share of a batch; return the global statistics, too."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor | None,
        bias: Tensor | None,
        eps: float,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        values = upcast(x)
        mean, var, count = _global_statistics(values)
        if count <= 1:
            raise ValueError(
                f'expected more than 1 value per channel when training, got {count:.0f}'
                f' in all processes together, input size {tuple(x.shape)}.'
            )
        scale = (var + eps).rsqrt()
        factor = scale if weight is None else scale * weight
        output = (values - _spread(mean, values)) * _spread(factor, values)
        if bias is not None:
            output = output + _spread(bias, values)
        ctx.save_for_backward(x, weight, mean, scale, count)
        ctx.mark_non_differentiable(mean, var, count)
        return output.to(x.dtype), mean, var, count

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor, *_: Any) -> tuple[Tensor | None, ...]:
        x, weight, mean, scale, count = ctx.saved_tensors
        grad, values = upcast(grad), upcast(x)
        normalized = (values - _spread(mean, values)) * _spread(scale, values)
        dims = _all_but_channels(x)
        # Bias and weight get what is of this process: DistributedDataParallel
        # averages their gradients.
        grad_bias, grad_weight = grad.sum(dims), (grad * normalized).sum(dims)
        own = torch.cat([grad_bias, grad_weight]).double()
        # Not by all_reduce: each backend adds in an order of its own.
        along_one, along_values = (_gather(own).sum(0) / count).chunk(2)
        part = grad - _spread(along_one, grad)
        part = part - normalized * _spread(along_values, grad)
        factor = scale if weight is None else scale * weight
        grad_input = (part * _spread(factor, grad)).to(x.dtype)
        if weight is None:
            return grad_input, None, None, None
        return grad_input, grad_weight.to(weight), grad_bias.to(weight), None


def _global_statistics(values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return mean (C,), biased variance (C,) and count () of all processes, float64."""
    channels = values.shape[1]
    count = values.numel() // max(channels, 1)
    own = values.new_zeros(2 * channels + 1, dtype=torch.float64)
    if count:
        var, mean = torch.var_mean(values, _all_but_channels(values), correction=0)
        own = torch.cat([mean.double(), var.double(), own[-1:] + count])
    ranks = _gather(own)  # (W, 2 C + 1)
    means, variances = ranks[:, :channels], ranks[:, channels:-1]
    shares = ranks[:, -1:] / ranks[:, -1].sum()
    mean = (shares * means).sum(0)
    var = (shares * (variances + (means - mean).square())).sum(0)
    return mean, var, ranks[:, -1].sum()


def _gather(own: Tensor) -> Tensor:
    """Stack the vectors of all processes, in the order of their ranks."""
    if _processes() == 1:
        return own[None]
    ranks = [torch.empty_like(own) for _ in range(_processes())]
    distributed.all_gather(ranks, own)
    return torch.stack(ranks)


def _processes() -> int:
    if not (distributed.is_available() and distributed.is_initialized()):
        return 1
    return distributed.get_world_size()


def _all_but_channels(values: Tensor) -> list[int]:
    return [dim for dim in range(values.dim()) if dim != 1]


def _spread(channels: Tensor, like: Tensor) -> Tensor:
    """Shape (C,) as (1, C, 1, ...), in the precision of what it meets."""
    return channels.to(like.dtype).view(1, -1, *[1] * (like.dim() - 2))


def synchronize_batch_norm(
    model: nn.Module, every: bool = False
) -> tuple[nn.Module, int]:
    """Replace synchronized batch norm by that which needs no GPU.

    Args:
        model: Changed in place, unless it is such a layer itself. Parameters, buffers
            and their names stay.
        every: Whether to replace plain batch norm, too.

    Returns:
        The model and the number of layers replaced.
    """
    replaced = 0
    if _is_synchronized(model) or (every and isinstance(model, _BatchNorm)):
        model, replaced = _replacement(model), 1
    for name, child in model.named_children():
        other, count = synchronize_batch_norm(child, every)
        if other is not child:
            model.add_module(name, other)
        replaced += count
    return model, replaced


def _is_synchronized(module: nn.Module) -> bool:
    # torch's, and mmcv's, whose compiled operators need not be there.
    return type(module).__name__ == 'SyncBatchNorm'


def _replacement(layer: Any) -> nn.Module:
    norm = CPUSyncBatchNorm(
        layer.num_features,
        layer.eps,
        layer.momentum,
        layer.affine,
        layer.track_running_stats,
    )
    for name in ('weight', 'bias'):
        norm.register_parameter(name, getattr(layer, name))
    for name in ('running_mean', 'running_var', 'num_batches_tracked'):
        setattr(norm, name, getattr(layer, name, None))
    return norm.train(layer.training)
