"""Write a step of a training to a file, and read it."""

import importlib
import inspect
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.runner import Runner
from mmengine.structures import BaseDataElement
from torch import Tensor, nn

from rsp import checkpoints
from rsp.checkpoints import saving
from rsp.engine.distributed import unwrap_model
from rsp.errors import UserError

# A config may name parts of these; anything else would be imported and called.
PACKAGES = ('mmengine', 'mmcv', 'mmpretrain', 'mmdet', 'mmseg', 'mmrotate', 'rsp')
_ELEMENT = '__element__'


def write_dump(file: Path, runner: Runner, facts: dict[str, Any]) -> None:
    """Write the state that a step starts from, and what it led to.

    Args:
        file: To write; its folder is made.
        runner: The run, in the state before the step.
        facts: ``batches`` (of the accumulated passes), ``random`` states, ``counts`` of
            the optimizer's wrapper, ``numbers`` of each pass, and the results:
            ``losses`` of each pass and ``gradient``.
    """
    model = unwrap_model(runner.model)
    content = dict(
        kind='step',
        config=plain(runner.cfg.to_dict()),
        rank=runner.rank,
        world_size=runner.world_size,
        epoch=runner.epoch,
        iter=runner.iter,
        model=model.state_dict(),
        optimizer=runner.optim_wrapper.state_dict(),
    ) | {key: pack(value) for key, value in facts.items()}
    saving.write(content, str(file))


def read_dump(path: str, trust: bool = False) -> dict[str, Any]:
    """Read what `write_dump` wrote, without running code that is in it.

    Raises:
        MissingData: If there is no such file.
        UserError: If it is something else, damaged, or holds what could run code.
    """
    content = checkpoints.read(path, trust=trust)
    if content.get('kind') != 'step':
        raise UserError(
            f"expected a step that rsp.NonFiniteHook kept, got '{path}'; such files "
            'are in <work_dir>/non_finite/.'
        )
    if not trust:
        _refuse_foreign(content['config'], path)
    content['batches'] = unpack(content['batches'])
    return content


def items_of(batch: Any) -> list[str]:
    """Name the images of a batch by their files, and windows where they are known.

    Args:
        batch: Of a loader: any nesting of dictionaries, lists and data samples.
    """
    names = []
    for element in _elements(batch):
        paths = element.get('img_path')
        window = element.get('window')
        where = '' if window is None else f' {tuple(window)}'
        for path in paths if isinstance(paths, list | tuple) else [paths]:
            if path is not None:
                names.append(f'{path}{where}')
    return names


def non_finite_items(batch: Any) -> list[str]:
    """Name the images of a batch that hold NaN or infinity, as `items_of` does.

    Args:
        batch: Of a loader; parts with ``inputs`` and ``data_samples`` at any depth.
    """
    if not isinstance(batch, Mapping):
        return []
    if 'inputs' not in batch:
        return [name for part in batch.values() for name in non_finite_items(part)]
    names = items_of(batch)
    bad = _non_finite_rows(batch['inputs'], len(names))
    return [name for number, name in enumerate(names) if number in bad]


def _non_finite_rows(inputs: Any, count: int) -> set[int]:
    """Find images in a batch of so many, in a list of them, or in a list of views."""
    if isinstance(inputs, list | tuple) and all(
        isinstance(one, Tensor) and one.ndim == 3 for one in inputs
    ):
        return {n for n, image in enumerate(inputs) if not image.isfinite().all()}
    if isinstance(inputs, Tensor) and len(inputs) == count:
        good = inputs.isfinite().flatten(1).all(dim=1)
        return {n for n, is_good in enumerate(good.tolist()) if not is_good}
    views = inputs if isinstance(inputs, list | tuple) else ()
    return {number for view in views for number in _non_finite_rows(view, count)}


def numbers_of(model: nn.Module) -> dict[str, dict[str, Any]]:
    """Return what is no tensor in a model: momenta, temperatures, modes."""
    return {
        name: {
            key: value
            for key, value in vars(module).items()
            if isinstance(value, bool | int | float) and not key.startswith('_')
        }
        for name, module in model.named_modules()
    }


def pack(value: Any) -> Any:
    """Turn data samples into dictionaries, which open without running code."""
    if isinstance(value, BaseDataElement):
        kind = type(value)
        return {
            _ELEMENT: f'{kind.__module__}.{kind.__qualname__}',
            'metainfo': pack(dict(value.metainfo_items())),
            'data': pack(dict(value.items())),
        }
    if isinstance(value, Mapping):
        return {key: pack(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        items = [pack(item) for item in value]
        return items if isinstance(value, list) else tuple(items)
    if isinstance(value, Tensor):
        return value.detach().cpu()
    return str(value) if isinstance(value, Path) else value


def unpack(value: Any) -> Any:
    """Undo `pack`."""
    if isinstance(value, dict) and _ELEMENT in value:
        module, _, name = value[_ELEMENT].rpartition('.')
        found = None
        if module.partition('.')[0] in PACKAGES:
            found = getattr(importlib.import_module(module), name, None)
        if not (inspect.isclass(found) and issubclass(found, BaseDataElement)):
            raise UserError(f"expected a kind of data sample, got '{value[_ELEMENT]}'.")
        kind: type[BaseDataElement] = found
        element = kind(metainfo=unpack(value['metainfo']))
        for field, item in unpack(value['data']).items():
            element.set_field(item, field)
        return element
    if isinstance(value, dict):
        return {key: unpack(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        items = [unpack(item) for item in value]
        return items if isinstance(value, list) else tuple(items)
    return value


def plain(value: Any) -> Any:
    """Turn a config into dictionaries, lists, numbers and texts; classes to names."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        items = [plain(item) for item in value]
        return items if isinstance(value, list) else tuple(items)
    if isinstance(value, bool | int | float | str | type(None) | np.ndarray | Tensor):
        return value
    if inspect.isclass(value) or inspect.isfunction(value):
        return f'{value.__module__}.{value.__qualname__}'
    if isinstance(value, torch.dtype):
        return str(value).removeprefix('torch.')
    return str(value)


def _elements(value: Any) -> Iterator[BaseDataElement]:
    if isinstance(value, BaseDataElement):
        yield value
    elif isinstance(value, Mapping | list | tuple):
        inner = value.values() if isinstance(value, Mapping) else value
        for item in inner:
            yield from _elements(item)


def _refuse_foreign(config: Any, path: str) -> None:
    """Refuse a config that names more than registered parts: ``type='os.system'``."""
    if isinstance(config, dict):
        kind = config.get('type')
        first, *rest = kind.split('.') if isinstance(kind, str) else ['']
        if rest and (first not in PACKAGES or len(rest) > 1):
            raise UserError(
                f"'{path}' builds {kind!r}, which is no part of {', '.join(PACKAGES)}; "
                'it could run code, so it is refused. If it is your own, pass --trust.'
            )
    values = config.values() if isinstance(config, dict) else config
    if isinstance(config, dict | list | tuple):
        for value in values:
            _refuse_foreign(value, path)
