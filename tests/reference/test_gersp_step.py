"""GeRSP against training steps recorded from the official implementation."""

import re

import numpy as np
import pytest
import torch
from mmpretrain.structures import DataSample

from rsp.models.selfsup import GeRSP

pytestmark = pytest.mark.shared

# The recordings are float64; an independent implementation agreed to 1e-9.
TOLERANCE = 1e-7
MOMENTUM, LR, WEIGHT_DECAY, TEACHER_MOMENTUM = 0.9, 0.05, 5e-4, 0.1


def our_name(recorded: str) -> str:
    """Translate a recorded tensor's name into our state dict's."""
    name = recorded.replace('student.projector.', 'neck.mlp.')
    name = name.replace('teacher.projector.', 'teacher.module.neck.mlp.')
    name = name.replace('student.backbone.', 'backbone.')
    name = name.replace('teacher.backbone.', 'teacher.module.backbone.')
    name = name.replace('classifier.', 'sup_head.fc.')
    return {'queue': 'queue.feats', 'queue_ptr': 'queue.ptr'}.get(name, name)


def group(recording: dict, prefix: str) -> dict[str, torch.Tensor]:
    return {
        key.removeprefix(prefix): torch.as_tensor(value)
        for key, value in recording.items()
        if key.startswith(prefix)
    }


def build(recording: dict, frozen_key_projector: bool) -> GeRSP:
    """The recorded network, sizes read from the recorded tensors, in float64."""
    init = {our_name(k): v for k, v in group(recording, 'init/').items()}
    widths = [init['neck.mlp.0.weight'].shape[1]]
    widths += [init[f'neck.mlp.{i}.weight'].shape[0] for i in (0, 2)]
    num_classes, in_channels = init['sup_head.fc.weight'].shape
    dim, length = init['queue.feats'].shape
    model = GeRSP(
        backbone=dict(
            type='ResNet',
            depth=18,
            stem_channels=init['backbone.conv1.weight'].shape[0],
            base_channels=init['backbone.layer1.0.conv1.weight'].shape[0],
        ),
        neck=dict(type='rsp.Projector', widths=widths),
        head=dict(
            type='ContrastiveHead',
            loss=dict(type='CrossEntropyLoss'),
            temperature=0.07,
        ),
        sup_head=dict(
            type='rsp.ClassificationHead',
            num_classes=num_classes,
            in_channels=in_channels,
        ),
        queue=dict(dim=dim, length=length),
        teacher=dict(momentum=TEACHER_MOMENTUM),
        frozen_key_projector=frozen_key_projector,
    )
    missing, unexpected = model.load_state_dict(init, strict=False)
    assert not unexpected
    assert all(re.search(r'num_batches_tracked|steps$', name) for name in missing)
    return model.double().train()


def relative_difference(ours: torch.Tensor, recorded: torch.Tensor) -> float:
    scale = recorded.abs().max().clamp_min(1e-30)
    return float((ours - recorded).abs().max() / scale)


@pytest.mark.parametrize('frozen', [False, True], ids=['moving', 'frozen'])
def test_steps_equal_the_official_ones(load_reference, frozen):
    recording = load_reference('gersp_step.npz')
    expected = (
        load_reference('gersp_step_frozen_projector.npz') if frozen else recording
    )
    model = build(recording, frozen)
    start = {k: v.clone() for k, v in model.state_dict().items()}
    optimizer = torch.optim.SGD(
        model.parameters(), LR, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY
    )

    steps = {k.split('/')[0] for k in recording if k.startswith('step')}
    assert steps
    for i in range(len(steps)):
        batch, wanted = group(recording, f'step{i}/'), group(expected, f'step{i}/')
        photos = DataSample().set_gt_label(batch['labels'].long())
        losses = model.loss(
            dict(
                remote=[batch['rs_view1'].double(), batch['rs_view2'].double()],
                natural=batch['natural'].double(),
            ),
            dict(natural=photos),
        )
        optimizer.zero_grad()
        (losses['loss_contrast'] + losses['loss_supervised']).backward()
        optimizer.step()

        for ours, recorded in (
            ('loss_contrast', 'loss_contrastive'),
            ('loss_supervised', 'loss_supervised'),
            ('supervised_top1', 'acc1'),
        ):
            np.testing.assert_allclose(
                losses[ours].item(), float(wanted[recorded]), rtol=TOLERANCE
            )

    end = model.state_dict()
    finals = {our_name(k): v for k, v in group(expected, 'final/').items()}
    assert finals
    for name, recorded in finals.items():
        # Only the student's batch-norm statistics belong to the contract.
        if name.startswith('teacher.module.backbone') and 'running' in name:
            continue
        ours = end[name]
        if not ours.is_floating_point():
            assert torch.equal(ours.flatten(), recorded.flatten()), name
            continue
        # Weights by what they moved, so that a small step cannot hide an error.
        moved = (start[name] if name in start else torch.zeros_like(ours)).double()
        difference = relative_difference(ours - moved, recorded.double() - moved)
        assert difference < TOLERANCE, f'{name}: {difference:.2e}'


def test_the_frozen_projector_stays_put(load_reference):
    recording = load_reference('gersp_step.npz')
    model = build(recording, frozen_key_projector=True)
    before = model.teacher.module['neck'].mlp[0].weight.clone()
    model.teacher.update_parameters(model.student)
    assert torch.equal(model.teacher.module['neck'].mlp[0].weight, before)
