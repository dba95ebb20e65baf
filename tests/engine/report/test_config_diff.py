import pytest
from mmengine.config import Config

from rsp.engine.report.config_diff import differences, nearest_recipe, read_dumped
from rsp.engine.train import load_config
from rsp.errors import UserError

RECIPE = 'configs/moco/r18_quickstart.py'


@pytest.fixture(scope='module')
def config():
    return load_config(RECIPE, None, 'none', None)


def test_a_dumped_config_is_read_back_without_running_it(config, tmp_path):
    config.dump(tmp_path / 'run.py')
    read = read_dumped(tmp_path / 'run.py')
    assert [*differences(config.to_dict(), read)] == []


@pytest.mark.parametrize(
    ('text', 'value'),
    [
        ('a=dict({"x-y": 1}, z=(1, 2))', {'x-y': 1, 'z': (1, 2)}),
        ('a=dict(**{"1": -2.5e-3})', {'1': -2.5e-3}),
        ("a=[dict(b='<c>'), None]", [{'b': '<c>'}, None]),
        ("a=float('x')", None),
        ("a=__import__('os').system('true')", None),
        ('a=dict(b=', None),
    ],
)
def test_only_literals_are_read(tmp_path, text, value):
    file = tmp_path / 'run.py'
    file.write_text(text)
    if value is None:
        with pytest.raises(UserError, match='as mmengine writes it'):
            read_dumped(file)
    else:
        assert read_dumped(file) == {'a': value}


def test_what_differs_from_the_recipe_is_named_by_key(config):
    run = Config(config.to_dict())
    run.merge_from_dict(
        {
            'optim_wrapper.optimizer.lr': 0.5,
            'work_dir': 'elsewhere',
            'model.extra': 'new',
            'param_scheduler.0.end': 3,
        }
    )
    recipe = nearest_recipe('r18_quickstart', run.to_dict())
    assert recipe.path == RECIPE
    assert {d.key: d.run for d in recipe.differences} == {
        'optim_wrapper.optimizer.lr': '0.5',
        'model.extra': "'new'",
        'param_scheduler.0.end': '3',
    }


def test_a_config_of_ones_own_is_compared_with_its_method(config):
    run = config.to_dict() | dict(train_cfg=dict(by_epoch=True, max_epochs=77))
    assert '/moco/' in nearest_recipe('my_scenes', run).path
    assert nearest_recipe('my_scenes', dict(model=dict(type='Mine'))) is None
