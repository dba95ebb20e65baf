"""Train a self-supervised config of another project on any images."""

from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.config import Config

from rsp.datasets.views.view_set import ViewSet
from rsp.errors import UserError
from rsp.io.configs import config_folder
from rsp.ops.views.parse import name_of, parse_view

WINDOWS = ('SceneDataset', 'TemporalSceneDataset')
COLLATE = dict(type='default_collate')


def heed_pretrain_data(cfg: Config) -> None:
    """Hand on ``pretrain_data`` at the top of a config, in place, to its training.

    Two lines train any self-supervised method of mmpretrain on own images::

        _base_ = 'mmpretrain::byol/byol_resnet50_16xb256-coslr-200e_in1k.py'
        pretrain_data = dict(data_root='data/million_aid')

    It takes the arguments of a data set, ``rsp.ImageFolder`` (of files, or of a packed
    store by ``store``) unless ``type`` says otherwise, such as ``rsp.SceneDataset``.
    The method's own pipeline stays: views of known transforms are made by
    ``rsp.LoadViews`` or ``rsp.MultiView``, others by the transforms themselves. Order
    and views follow from (seed, epoch, image), a last incomplete batch is left out, and
    runner and hooks are those of this project.

    Args:
        cfg: Config of a training.

    Raises:
        UserError: If the config has no pipeline to take over.
    """
    # A config that is written down has all of it in its place.
    given = cfg.pop('pretrain_data', None)
    if not given:
        return
    loader = cfg.get('train_dataloader') or {}
    steps = (loader.get('dataset') or {}).get('pipeline')
    if not steps:
        raise UserError(
            'pretrain_data expects train_dataloader.dataset.pipeline in the config '
            'that it changes, got none; write train_dataloader instead.'
        )
    data = dict(type='rsp.ImageFolder') | _plain(given)
    kind = name_of(data).rpartition('.')[2]
    if kind == 'ImageFolder':
        data.setdefault('with_label', False)
    steps = _plain(steps)
    if kind in WINDOWS or kind == 'ImageFolder':
        steps = _fast_views(steps, windows=kind in WINDOWS)
    loader['dataset'] = dict(pipeline=steps) | data
    loader.pop('drop_last', None)
    loader['collate_fn'] = _plain(loader.get('collate_fn', COLLATE))
    loader['sampler'] = dict(type='rsp.PairedSampler', shuffle=True)
    loader['batch_sampler'] = dict(type='rsp.PairedBatchSampler', drop_last=True)
    _add_runtime(cfg)


def _fast_views(steps: Sequence[dict], windows: bool) -> list[dict]:
    """Let our transforms load images and make their views, where they know them."""
    steps = list(steps)
    load: dict[str, Any] = {}
    if name_of(steps[0]).rpartition('.')[2] == 'LoadImageFromFile':
        load = steps.pop(0)
    whole = [] if windows else [load | dict(type='rsp.LoadImageFromFile')]
    if steps and name_of(steps[0]).rpartition('.')[2] == 'MultiView':
        kind = 'rsp.MultiView' if windows else 'rsp.LoadViews'
        views = {key: steps[0][key] for key in ('num_views', 'transforms')}
        try:
            ViewSet(views['transforms'], views['num_views'])
        except UserError:
            return [*whole, *steps]
        return [load | views | dict(type=kind), *steps[1:]]
    kind = 'rsp.SingleView' if windows else 'rsp.LoadView'
    for count in range(len(steps), 0, -1):
        try:
            parse_view(steps[:count])
        except UserError:
            continue
        return [load | dict(type=kind, transforms=steps[:count]), *steps[count:]]
    return [*whole, *steps]


def _add_runtime(cfg: Config) -> None:
    """Add runner and hooks of this project beside what the config has."""
    own = Config.fromfile(config_folder() / '_base_/default_runtime.py')
    cfg.runner_type = own.runner_type
    cfg.setdefault('custom_imports', own.custom_imports)
    hooks = cfg.setdefault('default_hooks', {})
    for name, hook in own.default_hooks.items():
        hooks.setdefault(name, hook)
    present = list(cfg.get('custom_hooks') or ())
    kinds = {hook.get('type') for hook in present if isinstance(hook, Mapping)}
    added = [hook for hook in own.custom_hooks if hook.type not in kinds]
    cfg.custom_hooks = [*added, *present]


def _plain(node: Any) -> Any:
    """Copy a part of a config, less the scopes that ``_base_`` of a package adds."""
    if isinstance(node, Mapping):
        return {key: _plain(v) for key, v in node.items() if key != '_scope_'}
    if isinstance(node, list | tuple):
        return type(node)(_plain(v) for v in node)
    return node
