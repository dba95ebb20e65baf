"""Take a kept step again."""

import hashlib
import math
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.registry import RUNNERS
from mmengine.runner import Runner
from mmengine.utils import import_modules_from_strings
from torch import Tensor, nn

from rsp.engine.checkpoint_files import use_our_files
from rsp.engine.distributed import unwrap_model
from rsp.engine.replay.dump import items_of, read_dump
from rsp.engine.replay.snapshot import set_random_states
from rsp.engine.train import drop_pretrained_init_cfg
from rsp.errors import shorten

# Of the wrapper of an optimizer: where it is among accumulated passes.
COUNTS = ('_inner_count', '_max_counts', '_remainder_counts')


def replay(dump: str, trust: bool = False) -> int:
    """Take the step in a file again, and print what comes out.

    On one process and the same kind of device it comes out bit for bit. A step of
    several processes is taken by one: the loss of a method that gathers or normalizes
    over processes differs, and so does the gradient.

    Args:
        dump: File of a step, see `rsp.engine.replay.dump`.
        trust: Open it even if that can run code in it.

    Returns:
        0 if losses and gradient are those of the run, bit for bit; else 1.
    """
    content = read_dump(dump, trust)
    with tempfile.TemporaryDirectory() as folder:
        runner = _build(content, folder, trust)
        losses, gradient, where = _step(runner, content)
    items = [name for batch in content['batches'] for name in items_of(batch)]
    print(
        f'step {content["iter"] + 1}, epoch {content["epoch"] + 1}, rank '
        f'{content["rank"]} of {content["world_size"]}; {len(items)} images: '
        f'{shorten(items, 8)}'
    )
    for name, values in (('recorded', content['losses']), ('replayed', losses)):
        for number, value in enumerate(values):
            print(f'  {name} pass {number + 1}: {describe(value)}')
    print(f'  gradient: {gradient["text"]}')
    if where is not None:
        print(f'  the first output that is not finite: {where}')
    same = _same(losses, content['losses']) and (
        gradient['digest'] == content['gradient']['digest']
    )
    print('  the same, bit for bit' if same else '  NOT the same as recorded')
    return int(not same)


def describe(losses: Mapping[str, float]) -> str:
    """Write the losses of a step in a line."""
    return ', '.join(f'{name} {value:.6g}' for name, value in losses.items())


def losses_of(outputs: Mapping[str, Any] | None) -> dict[str, Tensor | float]:
    """Return the losses among the outputs of a step, where they are."""
    found: dict[str, Tensor | float] = {}
    for name, value in (outputs or {}).items():
        if 'loss' not in name:
            continue
        if isinstance(value, Tensor) and value.numel() == 1:
            found[name] = value.detach()
        elif isinstance(value, int | float):
            found[name] = float(value)
    return found


def on_host(losses: Mapping[str, Tensor | float]) -> dict[str, float]:
    """Fetch losses from the device."""
    return {name: float(value) for name, value in losses.items()}


def gradient_facts(model: nn.Module) -> dict[str, str]:
    """Describe the gradient of a model: which tensors are not finite, and a digest."""
    digest, broken, count = hashlib.sha256(), [], 0
    for name, parameter in model.named_parameters():
        grad = parameter.grad
        if grad is None:
            continue
        grad = grad.coalesce().values() if grad.is_sparse else grad
        count += 1
        digest.update(grad.float().cpu().numpy().tobytes())
        if not torch.isfinite(grad).all():
            broken.append(name)
    if not broken:
        text = f'all {count} tensors are finite'
    else:
        text = f'{len(broken)} of {count} tensors not finite ({shorten(broken, 3)})'
    return dict(digest=digest.hexdigest(), text=text)


def _build(content: dict[str, Any], folder: str, trust: bool) -> Runner:
    """Build the runner of the run, with nothing but the model and its optimizer."""
    cfg = Config(content['config'])
    imports = cfg.get('custom_imports')
    if imports:
        import_modules_from_strings(**imports)
    cfg.update(work_dir=folder, launcher='none', resume=False, load_from=None)
    cfg.update(checkpoint=None, custom_hooks=[], trust=trust)
    for part in ('dataloader', 'cfg', 'evaluator'):
        for stage in ('val', 'test'):
            cfg[f'{stage}_{part}'] = None
    cfg.pop('visualizer', None)
    cfg.default_hooks = dict(checkpoint=None)
    cfg.log_level = 'ERROR'
    # mmengine finds visualizers and logs by it.
    cfg.experiment_name = Path(folder).name
    drop_pretrained_init_cfg(cfg.model)
    use_our_files(trust)
    runner = RUNNERS.build(cfg)
    model = unwrap_model(runner.model)
    model.load_state_dict(content['model'])
    runner.optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
    runner.optim_wrapper.load_state_dict(content['optimizer'])
    for name, count in content['counts'].items():
        setattr(runner.optim_wrapper, name, count)
    for name in ('epoch', 'iter'):
        runner.message_hub.update_info(name, content[name])
    return runner


def _step(
    runner: Runner, content: dict[str, Any]
) -> tuple[list[dict[str, float]], dict[str, str], str | None]:
    wrapper, model = runner.optim_wrapper, unwrap_model(runner.model)
    gradient: list[dict[str, str]] = []
    # In the place of the update, which nobody needs any more.
    wrapper.step = lambda **_: gradient.append(gradient_facts(model))
    set_random_states(content['random'])
    with _first_non_finite(model) as found:
        losses = []
        for batch, numbers in zip(content['batches'], content['numbers'], strict=True):
            for name, values in numbers.items():
                vars(model.get_submodule(name)).update(values)
            outputs = runner.model.train_step(batch, wrapper)
            losses.append(on_host(losses_of(outputs)))
    facts = gradient[0] if gradient else dict(digest='', text='none')
    return losses, facts, found[0] if found else None


@contextmanager
def _first_non_finite(model: nn.Module) -> Iterator[list[str]]:
    """Collect the names of innermost modules whose output is not finite."""
    found: list[str] = []
    handles = []
    for name, module in model.named_modules():
        if any(module.children()):
            continue

        def look(module: nn.Module, _: Any, output: Any, name: str = name) -> None:
            tensors = output if isinstance(output, list | tuple) else [output]
            for tensor in tensors:
                if isinstance(tensor, Tensor) and not torch.isfinite(tensor).all():
                    found.append(f'{name} ({type(module).__name__})')

        handles.append(module.register_forward_hook(look))
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()


def _same(a: list[dict[str, float]], b: list[dict[str, float]]) -> bool:
    def equal(x: float, y: float) -> bool:
        return x == y or (math.isnan(x) and math.isnan(y))

    return len(a) == len(b) and all(
        x.keys() == y.keys() and all(equal(x[name], y[name]) for name in x)
        for x, y in zip(a, b, strict=True)
    )
