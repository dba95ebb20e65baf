"""Attention of transformers: even attention is 1, and places stay in place."""

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from rsp.errors import UserError
from rsp.evaluation.analysis.backbones import load_encoders
from rsp.evaluation.analysis.patches.attention import attention_map

PIXELS = np.random.default_rng(0).integers(256, size=(64, 96, 3), dtype=np.uint8)


def last_attention(encoder, stage):
    network = encoder.network
    if encoder.family == 'Swin':
        layer = network.stages[stage - 1].blocks[-1].attn
        return layer, layer.w_msa.qkv
    return network.layers[-1].attn, network.layers[-1].attn.qkv


@pytest.mark.parametrize(('kind', 'shape'), [('swin', (16, 24)), ('vit', (4, 6))])
def test_even_attention_is_one_everywhere(kind, shape, write_backbone):
    [encoder] = load_encoders([write_backbone(kind)])
    layer, qkv = last_attention(encoder, 1)
    qkv.weight.zero_()
    if kind == 'swin':
        layer.w_msa.relative_position_bias_table.zero_()
    found = attention_map(encoder, PIXELS, stage=1)
    np.testing.assert_allclose(found, np.ones(shape), rtol=1e-5)


@pytest.mark.parametrize(('kind', 'place'), [('swin', (5, 7)), ('vit', (1, 4))])
def test_the_one_token_that_differs_is_found_at_its_place(kind, place, write_backbone):
    [encoder] = load_encoders([write_backbone(kind)])
    layer, qkv = last_attention(encoder, 1)
    qkv.bias.normal_()

    def one_differs(_, call):
        tokens = torch.zeros_like(call[0])
        width = 24 if kind == 'swin' else 6
        # A ViT's class token is in front.
        tokens[:, place[0] * width + place[1] + (kind == 'vit')] = 5
        return tokens, *call[1:]

    if kind == 'swin':
        layer.w_msa.relative_position_bias_table.zero_()
    qkv.weight.normal_()
    layer.register_forward_pre_hook(one_differs)
    found = attention_map(encoder, PIXELS, stage=1)
    apart = np.abs(found - np.median(found))
    assert np.unravel_index(apart.argmax(), apart.shape) == place


def test_padding_of_windows_is_cut_off(write_backbone):
    [encoder] = load_encoders([write_backbone('swin')])
    assert attention_map(encoder, PIXELS[:, :76], stage=1).shape == (16, 19)


def test_attention_of_a_vit_sums_up_to_its_patches(write_backbone):
    [encoder] = load_encoders([write_backbone('vit')])
    found = torch.from_numpy(attention_map(encoder, PIXELS))
    assert_close(found.mean(), torch.tensor(1.0))


def test_a_backbone_without_attention_is_refused_in_one_line(write_backbone):
    [encoder] = load_encoders([write_backbone()])
    with pytest.raises(UserError, match='ResNet-18, which has no attention') as refusal:
        attention_map(encoder, PIXELS)
    assert '\n' not in str(refusal.value)
