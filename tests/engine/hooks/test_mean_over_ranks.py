import pytest
import torch

from rsp.engine.hooks import MeanOverRanksHook


def logged(outputs):
    MeanOverRanksHook().after_train_iter(None, 0, outputs=outputs)
    return outputs


def log_own_values():
    rank = torch.distributed.get_rank()
    outputs = dict(
        # In another order on each rank; half precision, float, number of elements 1.
        sorted(
            dict(
                loss=torch.tensor(2.0 + 4 * rank, requires_grad=True),
                top1=torch.tensor([50.0 * rank], dtype=torch.float16),
                momentum=0.5 + rank,
                steps=3,
                note='as it was',
                per_class=torch.full((2,), float(rank)),
            ).items(),
            reverse=bool(rank),
        )
    )
    logged(outputs)
    outputs['per_class'] = outputs['per_class'].tolist()
    return outputs


@pytest.mark.dist
def test_single_numbers_are_averaged_on_both_ranks(gloo):
    first, second = gloo(log_own_values)
    means = dict(loss=4.0, top1=25.0, momentum=1.0, steps=3.0, note='as it was')
    assert {key: first[key] for key in means} == means
    assert {key: second[key] for key in means} == means
    assert (first['per_class'], second['per_class']) == ([0.0, 0.0], [1.0, 1.0])


def test_one_process_keeps_its_values():
    outputs = dict(loss=torch.tensor(2.0))
    before = outputs['loss']
    assert logged(outputs)['loss'] is before
    assert logged(None) is None


def test_it_runs_before_the_values_are_recorded():
    from mmengine.hooks import RuntimeInfoHook
    from mmengine.runner import get_priority

    own, recorder = MeanOverRanksHook.priority, RuntimeInfoHook.priority
    assert get_priority(own) < get_priority(recorder)
