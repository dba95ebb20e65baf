"""Every config parses, names parts that exist, and is what its name says."""

import functools
import inspect
import re
from collections.abc import Callable
from importlib import import_module

import mmengine.registry.root as root
import pytest
from mmengine.config import Config
from mmengine.registry import Registry
from mmpretrain.registry import BATCH_AUGMENTS
from mmpretrain.utils import register_all_modules

from rsp.engine.wrong_config import refuse_wrong_settings
from rsp.engine.wrong_config.arguments import misfit, wrong_type
from rsp.engine.wrong_config.types import look_up
from rsp.io.configs import find_config

REGISTRIES = [r for _, r in inspect.getmembers(root) if isinstance(r, Registry)]
REGISTRIES.append(BATCH_AUGMENTS)  # of mmpretrain alone, below no root
# Keys that are no arguments of a type: those who build it read them.
TAKEN_OUT = {'type', '_scope_', 'constructor', 'convert_to_iter_based', 'priority'}
# <method>_<backbone>_<gpus>xb<per gpu>-<schedule>-<epochs>e_<data>
NAME = re.compile(r'[a-z0-9]+_[a-z0-9-]+_(\d+)xb(\d+)-[a-z-]+-(\d+)e_[a-z0-9-]+')


@pytest.fixture
def is_registered() -> Callable[..., bool]:
    register_all_modules(init_default_scope=False)

    def look(name: str, scope: str = 'mmpretrain') -> bool:
        for registry in REGISTRIES:
            with registry.switch_scope_and_registry(scope) as start:
                if start.get(name) is not None:
                    return True
        # Detectors look up RoI layers and NMS there; a core environment has neither.
        return scope != 'mmpretrain' and hasattr(import_module('mmcv.ops'), name)

    return look


def test_every_named_type_is_registered(any_config, load, every_dict, is_registered):
    cfg = load(any_config)
    types = [node.get('type') for node in every_dict(cfg)]
    names = {name for name in types if isinstance(name, str)} | {cfg.runner_type}
    unknown = [n for n in sorted(names) if not is_registered(n, cfg.default_scope)]
    assert unknown == []


def test_an_unknown_type_would_be_noticed(is_registered):
    assert is_registered('rsp.GeRSP')
    assert not is_registered('rsp.GERSP')


@pytest.mark.slow
def test_no_setting_is_refused(experiment, load, every_dict):
    """By the look at keys before a run, and by that at the arguments of types."""
    cfg = load(experiment)
    refuse_wrong_settings(cfg)
    refused = []
    for node in every_dict(cfg):
        kind = found(node.get('type'), cfg.default_scope)
        # Layers and wrappers of optimizers are built by code that takes keys out.
        module = str(getattr(kind, '__module__', ''))
        if kind is None or module.startswith(('torch.', 'mmengine.')):
            continue
        wrong = misfit(kind, {key: node[key] for key in node if key not in TAKEN_OUT})
        # What is missing is given by the code that builds the part.
        refused += [wrong] if wrong and wrong[0] else []
        refused += [wrong] if (wrong := wrong_type(kind, node)) else []
    assert refused == []


@functools.cache
def found(name: object, scope: str) -> object:
    """Return the class that a name stands for in any registry."""
    for registry in REGISTRIES if isinstance(name, str) else ():
        with registry.switch_scope_and_registry(scope) as here:
            kind = look_up(name, here)
        if kind is not None:
            return kind
    return None


def test_an_alias_is_its_experiment(alias):
    """Key for key, so that the checkpoint of one is that of the other."""
    _, name, _ = alias.read_text().split("'")
    target = alias.parent / name
    assert NAME.fullmatch(target.stem)
    assert Config.fromfile(alias).to_dict() == Config.fromfile(target).to_dict()


def test_no_config_inherits_from_an_alias(experiment):
    for base in re.findall(r"'(\.[^']*\.py)'", experiment.read_text()):
        parent = (experiment.parent / base).resolve()
        assert parent.is_file()
        assert '_base_' in parent.parts or NAME.fullmatch(parent.stem), base


def test_a_name_tells_gpus_batch_size_and_epochs(experiment, load):
    name = NAME.fullmatch(experiment.stem)
    if name is None:
        pytest.skip('not the name of a recipe for training')
    gpus, batch_size, epochs = map(int, name.groups())
    cfg = load(experiment)
    assert cfg.train_dataloader.batch_size == batch_size
    assert cfg.auto_scale_lr.base_batch_size == gpus * batch_size
    assert cfg.train_cfg.max_epochs == epochs


def test_an_experiment_opens_with_its_command(experiment, load):
    """The header's command runs this very config, by its short name or its own."""
    header = experiment.read_text().split('\n_base_')[0]
    assert all(line.startswith('#') for line in header.splitlines())
    commands = re.findall(r'tools/\S+\.(?:py|sh)\s[\s\\#]*(configs/\S+\.py)', header)
    assert commands or 'tools/quickstart.sh' in header, 'no command in the header'
    for command in commands:
        meant = load(find_config(command).resolve()).to_dict()
        assert meant == load(experiment).to_dict()


def test_names_of_recipes_are_unique_in_the_package(experiment):
    """By which `mim train rsp <name>` finds them."""
    folder = next(p for p in experiment.parents if p.name == 'configs')
    assert list(folder.rglob(experiment.name)) == [experiment]
