import pytest
import torch

from rsp.models.modules.batch_shuffle import shuffle, unshuffle


def test_one_process_leaves_the_batch_alone():
    views = torch.randn(3, 2)
    dealt, order = shuffle(views)
    assert dealt is views
    assert unshuffle(dealt, order) is views


def there_and_back(count):
    views = torch.randn(count, 3, 4)
    dealt, order = shuffle(views)
    back = unshuffle(dealt.flatten(1), order).view_as(views)
    return views.tolist(), dealt.tolist(), order.tolist(), back.tolist()


@pytest.mark.dist
def test_shuffle_then_unshuffle_is_the_identity(gloo):
    (views0, dealt0, order0, back0), (views1, dealt1, order1, back1) = gloo(
        there_and_back, 4
    )
    assert back0 == views0
    assert back1 == views1
    assert order0 == order1
    assert sorted(order0) == list(range(8))
    everyone = views0 + views1
    assert dealt0 + dealt1 == [everyone[i] for i in order0]
    assert dealt0 != views0
