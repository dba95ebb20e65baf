"""CMID against training steps recorded from the official implementation."""

import re

import numpy as np
import pytest
import torch
from mmpretrain.structures import DataSample

from rsp.models.selfsup import CMID
from rsp.ops.masking import mask_fill

pytestmark = pytest.mark.shared

# The recordings are float64; an independent implementation agreed to 1e-9.
TOLERANCE = 1e-7
LR, TEACHER_MOMENTUM, MATCHES = 0.05, 0.1, 3
RENAMED = {
    'student.mask_token': 'backbone.mask_token',
    'student.projector.': 'neck.mlp.',
    'teacher.projector.': 'teacher.module.neck.mlp.',
    'student.local.': 'local_neck.',
    'teacher.local.': 'teacher.module.local_neck.',
    'student.backbone.': 'backbone.',
    'teacher.backbone.': 'teacher.module.backbone.',
    'decoder.': 'reconstruction.decoder.decoder.0.',
    'center': 'local_head.center',
    'queue_ptr': 'queue.ptr',
}


def our_name(recorded: str) -> str:
    """Translate a recorded tensor's name into our state dict's."""
    if recorded == 'queue':
        return 'queue.feats'
    for theirs, ours in RENAMED.items():
        if recorded.startswith(theirs):
            return ours + recorded.removeprefix(theirs)
    raise AssertionError(recorded)


def ours(recording: dict, prefix: str) -> dict[str, torch.Tensor]:
    """Tensors of a group under our names and in our shapes."""
    tensors = {
        our_name(key.removeprefix(prefix)): torch.as_tensor(value)
        for key, value in recording.items()
        if key.startswith(prefix)
    }
    # Kernels of size 1 are linear layers; the center is a row.
    return {
        name: value.squeeze(-1) if 'local' in name and value.ndim == 3 else value
        for name, value in tensors.items()
    }


def build(recording: dict) -> CMID:
    """The recorded network, sizes read from the recorded tensors, in float64."""
    init = ours(recording, 'init/')
    width = init['neck.mlp.0.weight'].shape[1]
    dim, length = init['queue.feats'].shape
    prototypes, descriptor = init['local_neck.prototypes'].shape
    stride = (len(init['reconstruction.decoder.decoder.0.bias']) // 3) ** 0.5
    model = CMID(
        backbone=dict(
            type='rsp.MaskedResNet',
            depth=18,
            stem_channels=init['backbone.conv1.weight'].shape[0],
            base_channels=init['backbone.layer1.0.conv1.weight'].shape[0],
        ),
        reconstruction=dict(
            type='rsp.ReconstructionHead',
            decoder=dict(
                type='SimMIMLinearDecoder',
                in_channels=width,
                encoder_stride=int(stride),
            ),
        ),
        neck=dict(
            type='rsp.Projector',
            widths=[width, len(init['neck.mlp.0.bias']), dim],
        ),
        head=dict(
            type='ContrastiveHead',
            loss=dict(type='CrossEntropyLoss'),
            temperature=0.2,
        ),
        queue=dict(dim=dim, length=length),
        local_neck=dict(
            type='rsp.PrototypeNeck',
            in_channels=width,
            hidden_channels=len(init['local_neck.mlp.0.bias']),
            out_channels=descriptor,
            num_prototypes=prototypes,
        ),
        local_head=dict(type='rsp.SelfDistillationHead', num_prototypes=prototypes),
        num_matches=MATCHES,
        teacher=dict(momentum=TEACHER_MOMENTUM),
    )
    missing, unexpected = model.load_state_dict(init, strict=False)
    assert not unexpected
    assert all(re.search(r'num_batches_tracked|steps$', name) for name in missing)
    return model.double().train()


def batch_of(step: dict) -> tuple[list[torch.Tensor], DataSample]:
    samples = DataSample()
    samples.set_field(torch.stack([step['mask'], step['view_mask']], 1), 'masks')
    samples.set_field(torch.stack([step['loc_img'], step['loc_view']], 1), 'positions')
    return [step['img'].double(), step['view'].double()], samples


def steps_of(recording: dict) -> list[dict[str, torch.Tensor]]:
    count = len({key.split('/')[0] for key in recording if key.startswith('step')})
    assert count
    return [
        {
            key.removeprefix(f'step{i}/'): torch.as_tensor(value)
            for key, value in recording.items()
            if key.startswith(f'step{i}/')
        }
        for i in range(count)
    ]


def test_filled_images_equal_the_official_ones(load_reference):
    for step in steps_of(load_reference('cmid_step.npz')):
        for image, mask, masked in (
            ('img', 'mask', 'mim_img'),
            ('view', 'view_mask', 'view_mim_img'),
        ):
            filled = mask_fill(step[image].double(), step[mask])
            torch.testing.assert_close(filled, step[masked], rtol=0, atol=1e-12)


def test_steps_equal_the_official_ones(load_reference):
    recording = load_reference('cmid_step.npz')
    model = build(recording)
    start = {k: v.clone() for k, v in model.state_dict().items()}
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], LR)

    for step in steps_of(recording):
        losses = model.loss(*batch_of(step))
        total = sum(value for name, value in losses.items() if 'loss' in name)
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        model.teacher.update_parameters(model.student)

        for value, recorded in (
            (losses['loss_spatial'] + losses['loss_frequency'], 'loss_rec'),
            (losses['loss_global'], 'global_loss'),
            (losses['loss_local'], 'pixel_loss'),
            (total, 'total_loss'),
        ):
            np.testing.assert_allclose(
                value.item(), float(step[recorded]), rtol=TOLERANCE
            )

    end = model.state_dict()
    finals = ours(recording, 'final/')
    assert finals
    for name, recorded in finals.items():
        # Only the student's batch-norm statistics belong to the contract.
        if name.startswith('teacher.module.backbone') and 'running' in name:
            continue
        if not end[name].is_floating_point():
            assert torch.equal(end[name].flatten(), recorded.flatten()), name
            continue
        # By what they moved, so that a small step cannot hide an error.
        moved = recorded.double() - start[name]
        # A bias before batch norm has a gradient of zero: it moves by rounding alone.
        scale = moved.abs().max().clamp_min(1e-9)
        difference = float((end[name] - start[name] - moved).abs().max() / scale)
        assert difference < TOLERANCE, f'{name}: {difference:.2e}'
