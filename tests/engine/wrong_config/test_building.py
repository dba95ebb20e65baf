"""Settings are told by key; what is a bug in somebody's module passes unchanged."""

import re

import pytest
from mmengine.config import Config
from mmengine.registry import Registry

from rsp import compat
from rsp.engine.wrong_config import arguments, blame, building, built
from rsp.errors import UserError

PARTS = Registry('part')
FOREIGN = 'mmdet.models'


class Base:
    def __init__(self, size: int, rate: float = 0.1):
        if size % 2:
            raise ValueError(f'size has to be even, not {size}')
        self.size = size + 0


@PARTS.register_module()
class Plain(Base):
    pass


@PARTS.register_module()
class HandingOn(Base):
    def __init__(self, name='', queue=None, **kwargs):
        super().__init__(**kwargs)
        settings = {k: v for k, v in (queue or {}).items() if k != 'type'}
        self.queue = queue and Queue(**settings)


class Queue:
    def __init__(self, length):
        pass


@PARTS.register_module()
class Open:
    def __init__(self, **kwargs):
        self.kwargs = kwargs


@PARTS.register_module()
class Buggy:
    def __init__(self, how, size=1):
        if how == 'call':
            Queue(size=size)
        if how == 'look up':
            {}['size']
        if how == 'raise':
            raise ValueError(f'size {size}')
        if how == 'add':
            how + size


@pytest.fixture
def build(monkeypatch):
    """Build the part of a config ``model``, explained."""
    original = Registry.build

    def run(**part):
        monkeypatch.setattr(Registry, 'build', original)
        settings = dict(other=dict(type='Plain', size=4), model=dict(part=part))
        cfg = Config(settings)
        object.__setattr__(cfg, '_filename', 'mine.py')
        building.explain_builds(cfg)
        return PARTS.build(dict(part))

    yield run
    monkeypatch.undo()
    assert Registry.build is original


@pytest.mark.parametrize(
    ('part', 'words'),
    [
        (dict(type='Plain', sise=2), "mine.py: model.part.sise: .*'size'"),
        (dict(type='Plane', size=2), "mine.py: model.part.type: .*'Plain'"),
        (dict(size=2), "mine.py: model.part.size: expected a 'type'"),
        (dict(type='Plain'), "mine.py: model.part: Plain needs 'size'"),
        (dict(type='Plain', size='2'), r"model.part.size: expected a number, got '2'"),
        (dict(type='Plain', size='x'), r"model.part.size: expected a number, got 'x'"),
        (dict(type='HandingOn', sise=2), "model.part.sise: .*'size'"),
        (dict(type='HandingOn', size='2'), 'model.part.size: expected a number'),
        (
            dict(type='HandingOn', size=2, queue=dict(lenght=1)),
            "model.part.queue.lenght: Queue has no 'lenght'; did you mean 'length'",
        ),
        (  # Of a type that no registry builds.
            dict(type='HandingOn', size=2, queue=dict(type='my.Queue', lenght=1)),
            "model.part.queue.lenght: Queue has no 'lenght'; did you mean 'length'",
        ),
        (dict(type='mmdett.X'), "model.part.type: .*no 'mmdett'; did you mean 'mmdet'"),
    ],
)
def test_a_wrong_setting_is_told_by_its_key(build, part, words):
    with pytest.raises(UserError, match=words) as error:
        build(**part)
    assert '\n' not in str(error.value)


def test_right_settings_are_built(build):
    assert build(type='Plain', size=2).size == 2
    assert build(type='HandingOn', size=2, queue=dict(length=1), rate=1).size == 2
    assert build(type='Open', anything=2).kwargs == dict(anything=2)


@pytest.mark.parametrize(
    ('how', 'kind'),
    [
        ('call', TypeError),
        ('look up', KeyError),
        ('raise', ValueError),
        ('add', TypeError),
    ],
)
def test_a_bug_of_a_users_module_keeps_its_traceback(build, how, kind):
    with pytest.raises(kind) as error:
        build(type='Buggy', how=how, size=3)
    assert not isinstance(error.value, UserError)


def test_a_refusal_of_a_library_is_told_by_its_key(build, monkeypatch):
    with pytest.raises(ValueError, match='even') as error:
        build(type='Plain', size=3)
    assert not isinstance(error.value, UserError)
    monkeypatch.setattr(Plain, '__module__', FOREIGN)
    with pytest.raises(UserError, match=r'model.part.size: Plain says: size has to be'):
        build(type='Plain', size=3)


def test_the_patch_is_put_on_once(monkeypatch):
    monkeypatch.setattr(Registry, 'build', Registry.build)
    calls = []

    def wrapper(build, *args, **kwargs):
        calls.append(args)
        return build(*args, **kwargs)

    for _ in range(3):
        compat.patch_registry_build(wrapper)
    PARTS.build(dict(type='Plain', size=2))
    assert len(calls) == 1


@PARTS.register_module()
class Storing:
    def __init__(self, sizes=(1, 2), trained=True, limits=None, inner=None):
        self.sizes = sizes
        self.kept = limits
        self.first = self.sizes[0] + 0
        self.inner = 1 / inner['number'] if inner else None

    def step(self):
        return sum(self.kept) + self.sizes[9]


@pytest.mark.parametrize(
    ('settings', 'words'),
    [
        (dict(sizes='ab'), "model.part.sizes: expected a number, got 'ab'"),
        (dict(trained='no'), "model.part.trained: expected True or False, got 'no'"),
        (dict(sizes=[]), r'model.part.sizes: got \[\]; Storing fails by IndexError: '),
        (dict(sizes=[None]), r'part.sizes: got \[None\]; Storing fails by TypeError'),
        (dict(inner=dict(number=0)), r'part.inner.number: .*ZeroDivisionError'),
    ],
)
def test_what_a_failed_statement_of_a_library_reads_is_to_blame(
    build, monkeypatch, settings, words
):
    monkeypatch.setattr(Storing, '__module__', FOREIGN)
    monkeypatch.setattr(blame, 'INSTALLED', ('/',))
    with pytest.raises(UserError, match=words):
        build(type='Storing', **settings)


def test_a_statement_that_reads_nothing_of_the_config_is_a_bug_of_ours(
    build, monkeypatch
):
    monkeypatch.setattr(Buggy, '__module__', 'rsp.models')
    monkeypatch.setattr(blame, 'INSTALLED', ('/',))
    with pytest.raises(KeyError) as error:
        build(type='Buggy', how='look up')
    assert not isinstance(error.value, UserError)


def test_an_object_is_known_by_its_settings_as_long_as_it_lives(build):
    made = build(type='Storing', sizes=[3, 4])
    assert built.part_of(made) == dict(type='Storing', sizes=[3, 4])
    assert built.part_of(Storing()) is None
    line = Storing.step.__code__.co_firstlineno
    assert built.built_by('step', __file__, line + 1) is made
    assert built.built_by('step', __file__, line + 9) is None
    built.forget()
    assert built.part_of(made) is None


class Folders:
    def __init__(self, data_prefix=dict(img_path='')):  # noqa: B006
        self.masks = data_prefix.get('seg_map_path')


@pytest.mark.parametrize(
    ('prefix', 'near'),
    [
        (dict(img_path='a', seg_map_path='b'), None),
        (dict(seg_map_pth='b'), "no 'seg_map_pth'; did you mean 'seg_map_path'"),
        (dict(image='b'), "no 'image'; did you mean 'img_path'|known: img_path"),
    ],
)
def test_folders_that_a_data_set_never_asks_for_are_told(prefix, near):
    found = arguments.unknown_prefix(Folders, prefix)
    assert (found is None) if near is None else re.search(near, found[1])
