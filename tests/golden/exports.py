"""Converted checkpoints, by tools/checkpoint.py convert."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from digests import digest
from mmpretrain.models import ResNet, SwinTransformer, VisionTransformer
from scripts import run_script
from torch import Tensor, nn

TARGETS = (
    'mmpretrain',
    'mmdet',
    'mmseg',
    'mmrotate',
    'torchvision',
    'timm',
    'safetensors',
)


def measure(folder: Path) -> dict[str, Any]:
    """Convert a ResNet, a Swin and a ViT to every format; give a digest of each."""
    swin = dict(embed_dims=16, depths=[1, 2, 1, 1], num_heads=[1, 2, 4, 8])
    vit = dict(embed_dims=64, num_layers=2, num_heads=1, feedforward_channels=128)
    networks = dict(
        resnet=ResNet(18, stem_channels=4, base_channels=4),
        swin=SwinTransformer(swin, img_size=224),
        vit=VisionTransformer(vit, img_size=32, patch_size=8, out_type='raw'),
    )
    found = {}
    for family, network in networks.items():
        source = folder / f'{family}.pth'
        torch.save(dict(state_dict=_filled(network)), source)
        for target in TARGETS:
            ending = 'safetensors' if target == 'safetensors' else 'pth'
            out = folder / f'{family}-{target}.{ending}'
            run_script('checkpoint.py', 'convert', source, out, '--to', target)
            found[f'{family}_{target}'] = _digest_of(_read(out))
    return found


def _filled(network: nn.Module) -> dict[str, Tensor]:
    """A state with numbers of NumPy's, whose generators are the same everywhere."""
    state = network.state_dict()
    rng = np.random.default_rng(0)
    filled = {}
    for name in sorted(state):
        tensor = state[name]
        if tensor.is_floating_point():
            values = rng.uniform(0.5, 1.5, tuple(tensor.shape))
            tensor = torch.from_numpy(np.asarray(values, np.float32))
        filled[f'backbone.{name}'] = tensor.clone()
    return filled


def _read(file: Path) -> dict[str, np.ndarray]:
    if file.suffix == '.safetensors':
        return _read_safetensors(file)
    state = torch.load(file, weights_only=True)['state_dict']
    return {name: tensor.numpy() for name, tensor in state.items()}


def _read_safetensors(file: Path) -> dict[str, np.ndarray]:
    """Read the format by its description, not by the project's own reader."""
    content = file.read_bytes()
    end = 8 + int.from_bytes(content[:8], 'little')
    header = json.loads(content[8:end])
    header.pop('__metadata__', None)
    kinds = dict(F32=np.float32, I64=np.int64)
    found = {}
    for name, entry in header.items():
        first, last = entry['data_offsets']
        values = np.frombuffer(content[end + first : end + last], kinds[entry['dtype']])
        found[name] = values.reshape(entry['shape'])
    return found


def _digest_of(state: dict[str, np.ndarray]) -> str:
    parts: list[str | bytes] = []
    for name in sorted(state):
        parts += [f'{name} {state[name].shape} {state[name].dtype}']
        parts += [np.ascontiguousarray(state[name]).tobytes()]
    return digest(parts)
