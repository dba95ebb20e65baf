"""Quick versions of tools/soak.py; what it counts can fail."""

import mutations
import pytest
import torch
from cases.runs import wrong_configs
from reliability import bad_inputs, kills, over_time, signals, table
from reliability.comparing import walk

pytestmark = pytest.mark.dist


def test_one_bit_is_a_difference():
    state = dict(a=[torch.ones(2), dict(lr=0.1)], b=torch.zeros(3))
    other = dict(a=[torch.ones(2), dict(lr=0.1)], b=torch.zeros(3))
    assert [*walk(state, other, 'x')] == []
    other['b'][1] = 1e-45
    other['a'][1]['step'] = 1
    assert sorted(walk(state, other, 'x')) == ['x.a.1.step', 'x.b']
    assert [*walk(torch.ones(2), torch.ones(2).double(), 'x')] == ['x']


def test_a_killed_run_ends_as_the_one_that_was_not(server, tmp_path):
    result = kills.run_kills(server, tmp_path, 2, seed=3, names=('moco',))
    assert result.failures == []
    assert len(result.kills) == 2
    assert result.same == result.runs.total() >= 1
    text = table.markdown([table.of_kills(result, 3)])
    assert '| `kills --kills 2 --seed 3` | 2 SIGKILLs (' in text
    assert '; 0 orphans' in text


def test_damaged_images_and_wrong_configs_are_told(server, tmp_path):
    names = ('jpeg-cut-7', 'png-bytes-after', 'tiff-link-to-itself')
    chosen = [m for m in mutations.mutations() if m.name in names]
    for way, outcome in (('raise', 'named'), ('skip', 'skipped')):
        result = bad_inputs.run_mutations(server, tmp_path / way, way, chosen)
        assert result.failures == []
        assert result.outcomes == {outcome: 1, 'read': 1, 'left out': 1}
    names = ('no such checkpoint', 'detection: model.test_cfg.score_thrs=0.9')
    chosen = [w for w in wrong_configs.WRONG if w.name in names]
    right = wrong_configs.Wrong('right', 'none', (), command=('train', '--help'))
    (tmp_path / 'configs').mkdir()
    result = bad_inputs.run_configs(server, tmp_path / 'configs', [*chosen, right])
    assert result.outcomes == {'named': 2, 'not refused': 1}
    assert len(result.failures) == 1


@pytest.mark.slow
def test_kills_and_signals_of_all_methods(server, tmp_path):
    for name, program in (('kills', kills.run_kills), ('signals', signals.run_signals)):
        (tmp_path / name).mkdir()
        result = program(server, tmp_path / name, 10, seed=4)
        assert result.failures == []
        assert result.same == result.runs.total()


@pytest.mark.slow
@pytest.mark.parametrize('name', over_time.RUNS)
def test_memory_and_files_stay(name, server, tmp_path):
    result = over_time.run_long(server, tmp_path, name, 3000)
    assert result.failures == []
    assert result.iterations >= 3000
