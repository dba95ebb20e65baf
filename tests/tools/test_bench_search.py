"""tools/benchmarks/bench_search.py times searches that find the same."""

import pytest

pytest.importorskip('usearch', reason="needs the 'analyze' extra")


def test_all_ways_find_the_ten_nearest(script, capsys):
    script('benchmarks/bench_search.py', '--vectors', 3000, '--size', 32, '--graph')
    *_, first, every, graph = capsys.readouterr().out.splitlines()
    assert first.startswith('all in single precision, NumPy: ')
    assert first.endswith('recall@10 1.0000, 1.0 x the first')
    assert every.startswith('all (--index never): ')
    assert 'recall@10 1.0000' in every
    assert float(graph.split('recall@10 ')[1].split(',')[0]) >= 0.99
