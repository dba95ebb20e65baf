"""One key at the top of a config asks for the published transforms."""

import pytest
from mmengine.config import Config

from rsp.datasets.views import heed_exact_pillow
from rsp.engine.train import load_config
from rsp.io.configs import find_config


def types(node):
    """List all dictionaries with a type."""
    if isinstance(node, dict):
        yield from [node] if 'type' in node else []
        node = list(node.values())
    if isinstance(node, list | tuple):
        for inner in node:
            yield from types(inner)


@pytest.mark.parametrize(
    ('config', 'fast'),
    [
        ('gersp/r50.py', {'rsp.LoadViews', 'rsp.LoadView'}),
        ('gersp/r50_s2_13bands.py', {'rsp.LoadView'}),
        ('cmid/swin_b.py', {'rsp.MaskedTwoCrop'}),
        ('geokr/r18_cpu.py', {'rsp.SingleView'}),
        ('moco/v2_r50_maid.py', {'rsp.LoadViews'}),
        ('supervised/r50.py', {'rsp.LoadView'}),
    ],
)
def test_the_key_reaches_all_views(config, fast):
    cfg = load_config(config_path(config), None, 'none', dict(exact_pillow=True))
    nodes = [*types(cfg.train_dataloader.to_dict())]
    changed = {node['type'] for node in nodes if node.get('exact_pillow')}
    assert changed == fast
    assert not any('min_size' in node for node in nodes)
    plain = load_config(config_path(config), None, 'none', None)
    assert not any('exact_pillow' in n for n in types(plain.train_dataloader.to_dict()))


def config_path(name):
    return str(find_config(name))


def test_other_transforms_stay():
    step = dict(type='mmpretrain.MultiView', num_views=2, transforms=[])
    cfg = Config(
        dict(
            exact_pillow=True,
            train_dataloader=dict(dataset=dict(pipeline=[step, dict(type='LoadView')])),
        )
    )
    heed_exact_pillow(cfg)
    assert 'exact_pillow' not in cfg.train_dataloader.dataset.pipeline[0]
    assert 'exact_pillow' not in cfg.train_dataloader.dataset.pipeline[1]
