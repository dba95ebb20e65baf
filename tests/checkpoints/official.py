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
    """Draw an official CMID file, to which the caller adds the foreign history."""
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


DINO_SIZE = DINO_WIDTH, DINO_DEPTH = 128, 2


def _drawn(**shapes):
    """A tensor for each name, every number drawn, weights of norms about one."""
    generator = torch.Generator().manual_seed(len(shapes))
    drawn = {}
    for name, shape in shapes.items():
        noise = torch.randn(shape, generator=generator)
        scale = max(shape[-1], 1) ** -0.5 if len(shape) == 2 else 0.3
        one = 'norm' in name and name.endswith('weight')
        drawn[name] = noise * scale + one
    return drawn


def _dino_block(place, c, hidden, gated_names=()):
    """Shapes of the tensors of a block; both versions have these."""
    shapes = {
        f'{place}.attn.qkv.weight': (3 * c, c),
        f'{place}.attn.qkv.bias': (3 * c,),
        f'{place}.attn.proj.weight': (c, c),
        f'{place}.attn.proj.bias': (c,),
        f'{place}.ls1.gamma': (c,),
        f'{place}.ls2.gamma': (c,),
    }
    for norm in ('norm1', 'norm2'):
        shapes |= {f'{place}.{norm}.weight': (c,), f'{place}.{norm}.bias': (c,)}
    for name, rows, columns in gated_names or (('fc1', hidden, c), ('fc2', c, hidden)):
        shapes |= {f'{place}.mlp.{name}.weight': (rows, columns)}
        shapes |= {f'{place}.mlp.{name}.bias': (rows,)}
    return shapes


def _dino_frame(patch, c):
    return dict(cls_token=(1, 1, c), mask_token=(1, c)) | {
        'patch_embed.proj.weight': (c, 3, patch, patch),
        'patch_embed.proj.bias': (c,),
        'norm.weight': (c,),
        'norm.bias': (c,),
    }


def dinov2(registers=0, gated=False, chunks=False, side=3, size=DINO_SIZE):
    """An official DINOv2 backbone: vit*14_pretrain.pth, vit*14_reg4_pretrain.pth."""
    c, depth = size
    hidden = 344 if gated else 4 * c
    names = (('w12', 2 * hidden, c), ('w3', c, hidden)) if gated else ()
    shapes = _dino_frame(14, c) | dict(pos_embed=(1, 1 + side * side, c))
    if registers:
        shapes['register_tokens'] = (1, registers, c)
    for number in range(depth):
        place = f'blocks.{number // 2}.{number}' if chunks else f'blocks.{number}'
        shapes |= _dino_block(place, c, hidden, names)
    return _drawn(**shapes)


def dinov3(gated=False, bias=False, size=DINO_SIZE):
    """An official DINOv3 backbone; its keys have no bias, of distilled ones nothing."""
    c, depth = size
    hidden = 4 * c
    names = (('w1', hidden, c), ('w2', hidden, c), ('w3', c, hidden)) if gated else ()
    shapes = _dino_frame(16, c) | dict(storage_tokens=(1, 4, c))
    for number in range(depth):
        shapes |= _dino_block(f'blocks.{number}', c, hidden, names)
    state = _drawn(**shapes)
    # 100 ** (i / 16) for i = 0 ... 15: heads of 64 channels.
    state['rope_embed.periods'] = 100 ** (torch.arange(16) / 16)
    for number in range(depth):
        place = f'blocks.{number}.attn.qkv.bias'
        state[place] *= bias
        mask = torch.ones(3 * c)
        mask[c : 2 * c] = 0
        state[f'{place}_mask'] = mask
    return state


def dino_teacher(state, other=None):
    """Draw what the training code saves: a teacher, maybe a student, with heads."""
    heads = {'dino_head.mlp.0.weight': torch.ones(4, 4)}
    heads |= {'ibot_head.last_layer.weight_g': torch.ones(4, 1)}
    under = {f'backbone.{name}': tensor for name, tensor in state.items()}
    content = dict(teacher=under | heads)
    if other is not None:
        student = {f'backbone.{name}': tensor for name, tensor in other.items()}
        content |= dict(student=student | heads, epoch=3)
    return content


def dinov2_of_transformers(state, prefix=''):
    """The same tensors by the names of Dinov2Model, Dinov2WithRegistersModel."""
    swaps = [
        ('patch_embed.proj.', 'embeddings.patch_embeddings.projection.'),
        ('register_tokens', 'embeddings.register_tokens'),
        ('cls_token', 'embeddings.cls_token'),
        ('mask_token', 'embeddings.mask_token'),
        ('pos_embed', 'embeddings.position_embeddings'),
        ('blocks.', 'encoder.layer.'),
        ('attn.proj.', 'attention.output.dense.'),
        ('.ls1.gamma', '.layer_scale1.lambda1'),
        ('.ls2.gamma', '.layer_scale2.lambda1'),
        ('mlp.w12.', 'mlp.weights_in.'),
        ('mlp.w3.', 'mlp.weights_out.'),
    ]
    words = ('attention.attention.query', 'attention.attention.key',
             'attention.attention.value')  # fmt: skip
    return _renamed(state, swaps, words, 'layernorm.', prefix)


def dinov3_of_transformers(state):
    """The same tensors by the names of DINOv3ViTModel."""
    gated = any('.mlp.w1.' in name for name in state)
    swaps = [
        ('patch_embed.proj.', 'embeddings.patch_embeddings.'),
        ('storage_tokens', 'embeddings.register_tokens'),
        ('cls_token', 'embeddings.cls_token'),
        ('mask_token', 'embeddings.mask_token'),
        ('blocks.', 'layer.'),
        ('attn.proj.', 'attention.o_proj.'),
        ('.ls1.gamma', '.layer_scale1.lambda1'),
        ('.ls2.gamma', '.layer_scale2.lambda1'),
        ('mlp.w1.', 'mlp.gate_proj.'),
        ('mlp.w2.', 'mlp.up_proj.'),
        ('mlp.w3.' if gated else 'mlp.fc2.', 'mlp.down_proj.'),
        ('mlp.fc1.', 'mlp.up_proj.'),
    ]
    words = ('attention.q_proj', 'attention.k_proj', 'attention.v_proj')
    kept = {n: t for n, t in state.items() if 'rope' not in n and 'bias_mask' not in n}
    renamed = _renamed(kept, swaps, words, 'norm.', '')
    return {n: t for n, t in renamed.items() if not n.endswith('k_proj.bias')}


def _renamed(state, swaps, words, norm, prefix):
    renamed = {}
    for name, tensor in state.items():
        for old, new in swaps:
            name = name.replace(old, new)
        if name.startswith('norm.'):
            name = name.replace('norm.', norm)
        if 'attn.qkv.' in name:
            for word, part in zip(words, tensor.chunk(3), strict=True):
                renamed[prefix + name.replace('attn.qkv', word)] = part.clone()
            continue
        renamed[prefix + name] = tensor
    return renamed
