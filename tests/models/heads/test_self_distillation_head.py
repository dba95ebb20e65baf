import pytest
import torch

from rsp.models.heads import SelfDistillationHead


@pytest.mark.parametrize(('means', 'center'), [((1, 2), 0.29), ((2, 1), 0.28)])
def test_the_center_follows_the_means(means, center):
    head = SelfDistillationHead(num_prototypes=3)
    for mean in means:
        head.update_center(torch.full((4, 3), float(mean)))
    assert head.center.tolist() == [pytest.approx([center] * 3)]


def test_a_loss_leaves_the_center_alone_and_depends_on_it():
    head = SelfDistillationHead(num_prototypes=3)
    student, teacher = torch.randn(2, 4, 3)
    first = head.loss(student, teacher)['loss_local']
    assert torch.equal(head.loss(student, teacher)['loss_local'], first)
    head.update_center(teacher)
    second = head.loss(student, teacher)['loss_local']
    assert not torch.equal(first, second)


def test_the_center_is_a_buffer_and_the_temperature_is_not():
    """A resumed run needs the one; the other follows from the epoch."""
    head = SelfDistillationHead(num_prototypes=3)
    assert set(head.state_dict()) == {'center'}


def test_the_earlier_spelling_of_the_center_is_loaded():
    head = SelfDistillationHead(num_prototypes=3)
    center = torch.randn(1, 3)
    head.load_state_dict({'centre': center})
    assert torch.equal(head.center, center)


def test_other_numbers_of_prototypes_are_refused():
    head = SelfDistillationHead(num_prototypes=3)
    with pytest.raises(ValueError, match=r'logits per patch to number 3, got 4; set'):
        head.loss(torch.zeros(2, 4), torch.zeros(2, 4))


def test_a_temperature_of_zero_is_refused():
    with pytest.raises(ValueError, match=r"'teacher_temperature' above 0, got 0"):
        SelfDistillationHead(teacher_temperature=0)
