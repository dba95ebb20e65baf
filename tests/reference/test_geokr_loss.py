"""GeoKR's losses against numbers recorded from the official code."""

import pytest
import torch

from rsp.models.heads import LandCoverHead

pytestmark = pytest.mark.shared

# Inputs and results were recorded in float32, whose rounding is all that may differ.
TOLERANCE = 1e-7


@pytest.fixture
def recorded(load_reference):
    """The recording in double precision."""
    recording = load_reference('geokr_loss.json')
    return {k: torch.tensor(v, dtype=torch.float64) for k, v in recording.items()}


def test_losses_and_gradient_are_the_recorded_ones(recorded):
    student = recorded['student_logits'].requires_grad_()
    labels = recorded['label_proportions']
    head = LandCoverHead(num_classes=labels.shape[1])
    losses = head.loss(student, recorded['teacher_logits'], labels)
    cover, consistency = losses['loss_land_cover'], losses['loss_consistency']
    assert abs(cover - recorded['classification_loss']) < TOLERANCE
    assert abs(consistency - recorded['consistency_loss']) < TOLERANCE
    (cover + consistency).backward()
    expected = recorded['grad_student_logits_of_sum']
    assert (student.grad - expected).abs().max() < TOLERANCE / 10
