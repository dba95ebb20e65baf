"""Build parameter groups that an optimizer can treat at once."""

from typing import Any

from mmengine.optim import DefaultOptimWrapperConstructor
from torch import nn

from rsp.registry import OPTIM_WRAPPER_CONSTRUCTORS


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class GroupedOptimWrapperConstructor(DefaultOptimWrapperConstructor):
    """Build one group per set of options; mmengine builds one per tensor.

    Optimizers update the tensors of a group in a few fused calls; in hundreds of
    groups of one tensor these are hundreds of times as many. Parameters without
    gradient, such as a teacher's, are left out.
    """

    def add_params(
        self,
        params: list[dict[str, Any]],
        module: nn.Module,
        prefix: str = '',
        is_dcn_module: int | float | None = None,
    ) -> None:
        """Add the parameters of a module to the groups.

        Args:
            params: Groups; changed in place.
            module: Its parameters are added.
            prefix: Name of the module.
            is_dcn_module: Whether it belongs to a deformable convolution.
        """
        super().add_params(params, module, prefix, is_dcn_module)
        if prefix == '':  # the outermost call: everything is there
            params[:] = merge(params)


def merge(groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Join groups of the same options, in the order of their first appearance.

    Args:
        groups: Each with ``params``, a tensor or a list of them, and options.
    """
    merged: dict[tuple, dict[str, Any]] = {}
    for group in groups:
        options = {k: v for k, v in group.items() if k not in ('params', 'param_names')}
        members = group['params']
        members = list(members) if isinstance(members, list | tuple) else [members]
        key = tuple(sorted(options.items()))
        target = merged.setdefault(key, dict(params=[], **options))
        target['params'] += [member for member in members if member.requires_grad]
    return [group for group in merged.values() if group['params']]
