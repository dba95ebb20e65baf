"""State dicts with the exact names of released files, from real backbones."""

import torch
from mmpretrain.models import ResNet, SwinTransformer, VisionTransformer
from torch import nn

SWIN = dict(embed_dims=32, depths=[1, 2, 1, 1], num_heads=[1, 2, 4, 8])
VIT = dict(embed_dims=128, num_layers=2, num_heads=2, feedforward_channels=256)


def randomised(model):
    """The model with every number drawn, batch-norm statistics and zeros included."""
    generator = torch.Generator().manual_seed(len(model.state_dict()))
    for name, tensor in model.state_dict().items():
        if not tensor.is_floating_point():
            if name.endswith('num_batches_tracked'):
                tensor.fill_(7)
            continue
        noise = torch.randn(tensor.shape, generator=generator)
        if name.endswith('running_var'):
            tensor.copy_(1 + noise.abs() / 10)
        elif tensor.ndim > 1:
            tensor.copy_(noise / max(tensor[0].numel(), 1) ** 0.5)
        else:
            tensor.copy_((name.endswith('weight')) + noise / 10)
    model.eval()
    return model


def resnet(depth=18):
    return randomised(ResNet(depth, out_indices=(0, 1, 2, 3)))


def narrow_resnet(depth=18):
    return randomised(ResNet(depth, base_channels=4, stem_channels=4))


def swin(arch=SWIN):
    return randomised(SwinTransformer(arch, img_size=224, drop_path_rate=0.0))


def vit(arch=VIT, **more):
    settings = dict(img_size=32, patch_size=8, out_type='raw') | more
    return randomised(VisionTransformer(arch, **settings))


def _under(prefix, model):
    return {prefix + name: tensor for name, tensor in model.state_dict().items()}


def _linear(prefix, *sizes):
    return _under(prefix, nn.Linear(*sizes))


def gersp(student, teacher, width=2048):
    """All of an official GeRSP file: aliases, projectors, classifier and queue."""
    state = {**_under('encoder_q.', student), **_under('backbone.', student)}
    state |= _under('encoder_k.', teacher)
    for place in ('proj_q.', 'neck.', 'proj_k.'):
        state |= _linear(f'{place}projector.0.', width, width)
        state |= _linear(f'{place}projector.2.', width, 128)
    state |= _linear('pred_q.0.', width, 1000)
    state |= dict(
        queue=torch.randn(128, 64), queue_ptr=torch.zeros(1, dtype=torch.long)
    )
    return dict(meta=dict(epoch=100, iter=500400), state_dict=state, optimizer={})


def cmid(student, teacher):
    """An official CMID file; whoever saves it adds the foreign history."""
    state = {'online_encoder.mask_token': torch.zeros(1, 4, 1, 1)}
    state |= _under('online_encoder.model.', student) | _under(
        'branch_encoder.', teacher
    )
    state |= _under('mim2org.decoder_pred.0.', nn.Conv2d(8, 16, 1))
    for place in ('online_projector.', 'branch_projector.'):
        state |= _linear(f'{place}layer.0.0.', 8, 8) | _linear(
            f'{place}layer.0.3.', 8, 8
        )
    state['class_loss.center'] = torch.zeros(1, 8, 1)
    state |= dict(queue=torch.randn(8, 16), queue_ptr=torch.zeros(1, dtype=torch.long))
    return dict(epoch=199, num_gpus=4, model=state, optimizer={})


def geokr(student, teacher):
    """An official GeoKR file, with the classifiers of both networks."""
    state = _under('student_network.', student) | _under('teacher_network.', teacher)
    state |= _linear('student_network_classifier.', 8, 8)
    state |= _linear('teacher_network_classifier.', 8, 8)
    return state


def moco(student, teacher):
    """A file of facebookresearch/moco, v2; Geo-Aware's are alike."""
    state = _under('module.encoder_q.', student) | _under('module.encoder_k.', teacher)
    for place in ('q', 'k'):
        state |= _linear(f'module.encoder_{place}.fc.0.', 8, 8)
        state |= _linear(f'module.encoder_{place}.fc.2.', 8, 4)
    state |= {'module.queue': torch.randn(4, 8), 'module.queue_ptr': torch.zeros(1)}
    return dict(epoch=200, arch='resnet50', state_dict=state, optimizer={})


def mmselfsup(student, teacher):
    """A file of MMSelfSup 0.x: encoders are sequences of backbone and neck."""
    state = _under('encoder_q.0.', student) | _under('backbone.', student)
    state |= _under('encoder_k.0.', teacher) | _linear('encoder_q.1.mlp.0.', 8, 8)
    state |= _linear('encoder_k.1.mlp.0.', 8, 8) | dict(queue=torch.randn(4, 8))
    return dict(meta=dict(epoch=3), state_dict=state)


def ours(student, teacher):
    """A file of a run of ours."""
    state = _under('backbone.', student) | _under('teacher.module.backbone.', teacher)
    return dict(meta=dict(epoch=3), state_dict=state | _linear('neck.0.', 8, 8))
