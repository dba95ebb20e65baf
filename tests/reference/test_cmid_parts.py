"""Parts of CMID against single operations recorded from the official code."""

import numpy as np
import pytest
import torch
from mmpretrain.models import ContrastiveHead
from mmpretrain.models.necks import SimMIMLinearDecoder

from rsp.models.heads import ReconstructionHead, SelfDistillationHead
from rsp.models.necks import Projector, PrototypeNeck
from rsp.ops import contrast, patches, schedules

pytestmark = pytest.mark.shared

# The recording is float32.
TOLERANCE = 1e-5


@pytest.fixture
def part(load_reference):
    """Return a function that reads the tensors of one part."""
    recording = load_reference('cmid_parts.npz')

    def read(prefix: str) -> dict[str, torch.Tensor]:
        return {
            key.removeprefix(prefix): torch.as_tensor(value)
            for key, value in recording.items()
            if key.startswith(prefix)
        }

    return read


def assert_near(ours: torch.Tensor, recorded: torch.Tensor) -> None:
    assert ours.shape == recorded.shape
    scale = recorded.abs().max().clamp_min(1e-30)
    difference = float((ours.detach() - recorded).abs().max() / scale)
    assert difference < TOLERANCE, f'{difference:.2e}'


def test_reconstruction(part):
    recorded = part('mim/')
    pred = recorded['pred'].requires_grad_()
    head = ReconstructionHead(decoder=torch.nn.Identity())
    losses = head.loss(pred, recorded['target'], recorded['mask'])
    assert_near(losses['loss_spatial'], recorded['loss_spatial_only'])
    total = losses['loss_spatial'] + losses['loss_frequency']
    assert_near(total, recorded['loss'])
    total.backward()
    assert_near(pred.grad, recorded['grad_pred'])


def test_self_distillation(part):
    recorded = part('local/')
    student = recorded['student'].requires_grad_()
    head = SelfDistillationHead(num_prototypes=student.shape[1])

    def rows(scores):  # (N, K, L) -> (N * L, K)
        return scores.transpose(1, 2).flatten(0, 1)

    for step in (0, 1):
        loss = head.loss(rows(student), rows(recorded['teacher']))['loss_local']
        head.update_center(rows(recorded['teacher']))
        assert_near(loss, recorded[f'loss_step{step}'])
        center = recorded[f'center_after_step{step}']
        assert_near(head.center.flatten(), center.flatten())
        if step == 0:
            loss.backward()
            assert_near(student.grad, recorded['grad_student_step0'])


def test_teacher_temperatures(part):
    (name, recorded), *_ = part('local/teacher_temps_epochs_').items()
    epochs = [int(epoch) for epoch in name.split('_')]
    ours = [schedules.linear(epoch, 50, 0.04, 0.07) for epoch in epochs]
    np.testing.assert_allclose(ours, recorded, rtol=1e-12)


def test_global_contrast(part):
    recorded = part('global/')
    head = ContrastiveHead(loss=dict(type='CrossEntropyLoss'), temperature=0.2)
    similarities = contrast.similarities(
        recorded['query'], recorded['key'], recorded['queue']
    )
    assert_near(head.loss(*similarities), recorded['loss_tau_0.2'])


def test_matched_patches(part):
    recorded = part('match/')
    count = recorded['selected_a'].shape[1]
    here, there = patches.match(recorded['loc_a'], recorded['loc_b'], count)
    for letter, chosen in (('a', here), ('b', there)):
        features = recorded[f'feat_{letter}'].transpose(1, 2).unsqueeze(-1)
        rows = patches.gather(features, chosen)
        assert torch.equal(rows, recorded[f'selected_{letter}'].flatten(0, 1))


def test_prototype_scores(part):
    recorded = part('localhead/')
    state = {k.removeprefix('param/'): v for k, v in recorded.items() if 'param' in k}
    gain = state.pop('last_layer.weight_g')
    assert torch.equal(gain, torch.ones_like(gain))
    state['prototypes'] = state.pop('last_layer.weight_v')
    # Kernels of size 1 are linear layers.
    state = {k: v.squeeze(-1) if v.ndim == 3 else v for k, v in state.items()}
    hidden, in_channels = state['mlp.0.weight'].shape
    neck = PrototypeNeck(
        in_channels, hidden, state['mlp.6.weight'].shape[0], len(state['prototypes'])
    )
    neck.load_state_dict(state)
    rows = recorded['input'].transpose(1, 2).flatten(0, 1)
    expected = recorded['output_train'].transpose(1, 2).flatten(0, 1)
    assert_near(neck.train()(rows), expected)


def test_projector(part):
    recorded = part('projector/')
    weights = [recorded[f'param/layer.0.{i}.weight'] for i in (0, 3)]
    projector = Projector([weights[0].shape[1], *(len(w) for w in weights)])
    projector.load_state_dict(
        {
            f'mlp.{ours}.{kind}': recorded[f'param/layer.0.{theirs}.{kind}']
            for ours, theirs in ((0, 0), (2, 3))
            for kind in ('weight', 'bias')
        }
    )
    assert_near(projector((recorded['input'],))[0], recorded['output'])


def test_decoder(part):
    recorded = part('decoder/')
    stride = recorded['output'].shape[-1] // recorded['input'].shape[-1]
    decoder = SimMIMLinearDecoder(recorded['input'].shape[1], stride)
    for kind in ('weight', 'bias'):
        getattr(decoder.decoder[0], kind).data = recorded[
            f'param/decoder_pred.0.{kind}'
        ]
    assert_near(decoder(recorded['input']), recorded['output'])
