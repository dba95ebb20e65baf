import pytest
import torch

from rsp.models.heads import SelfDistillationHead


@pytest.mark.parametrize(('means', 'centre'), [((1, 2), 0.29), ((2, 1), 0.28)])
def test_the_centre_moves_after_every_call(means, centre):
    head = SelfDistillationHead(num_prototypes=3)
    for mean in means:
        head.loss(torch.zeros(4, 3), torch.full((4, 3), float(mean)))
    assert head.centre.tolist() == [pytest.approx([centre] * 3)]


def test_a_loss_sees_the_centre_of_before():
    head = SelfDistillationHead(num_prototypes=3)
    student, teacher = torch.randn(2, 4, 3)
    first = head.loss(student, teacher)['loss_local']
    second = head.loss(student, teacher)['loss_local']
    head.centre.zero_()
    assert torch.equal(head.loss(student, teacher)['loss_local'], first)
    assert not torch.equal(first, second)


def test_the_centre_is_a_buffer_and_the_temperature_is_not():
    """What a resumed run needs: the temperature follows from the epoch."""
    head = SelfDistillationHead(num_prototypes=3)
    assert set(head.state_dict()) == {'centre'}


def test_other_numbers_of_prototypes_are_refused():
    head = SelfDistillationHead(num_prototypes=3)
    with pytest.raises(ValueError, match=r'expected 3 scores per cell, got 4; set'):
        head.loss(torch.zeros(2, 4), torch.zeros(2, 4))


def test_a_temperature_of_zero_is_refused():
    with pytest.raises(ValueError, match=r'temperatures above 0, got .*=0'):
        SelfDistillationHead(teacher_temperature=0)
