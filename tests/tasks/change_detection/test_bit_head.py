"""BIT against a slow transcription of its formulas, and what must not matter."""

import math

import numpy as np
import torch

from rsp.tasks.change_detection.bit_head import BITHead
from rsp.tasks.change_detection.bit_transformer import (
    Attention,
    AttentionLayer,
    SemanticTokens,
)


def head(**options):
    small = dict(in_channels=5, channels=6, tokens=3, decoder_depth=2, heads=2,
                 head_channels=4, hidden=7, in_index=0)  # fmt: skip
    model = BITHead(**small | options).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            torch.nn.init.normal_(parameter, std=0.3)
    return model


def maps(*shape):
    return (torch.randn(*shape, dtype=torch.float64),)


def test_the_logits_are_those_of_the_plain_loops():
    model = head()
    feats = maps(2, 5, 3, 2), maps(2, 5, 3, 2)
    expected = [
        slow_bit(model, first.numpy(), second.numpy())
        for first, second in zip(feats[0][0], feats[1][0], strict=True)
    ]
    logits = model(feats)
    assert logits.shape == (2, 2, 48, 32)
    np.testing.assert_allclose(
        logits.detach().numpy(), np.stack(expected), rtol=1e-9, atol=1e-11
    )


def test_swapping_the_dates_changes_nothing_if_both_halves_of_the_positions_agree():
    """With positions as they are drawn, it does change something."""
    model = head()
    feats = maps(2, 5, 3, 4), maps(2, 5, 3, 4)
    before, swapped = model(feats), model(feats[::-1])
    assert (before - swapped).abs().max() > 1e-4
    with torch.no_grad():
        model.positions[:, 3:] = model.positions[:, :3]
    torch.testing.assert_close(model(feats), model(feats[::-1]), rtol=1e-10, atol=1e-12)


def test_equal_dates_have_the_logits_of_no_difference():
    """|x1 - x2| = 0 everywhere, so that all pixels far from the border agree."""
    model = head()
    with torch.no_grad():
        model.positions[:, 3:] = model.positions[:, :3]
    (first,) = maps(1, 5, 2, 2)
    inner = model(((first,), (first,)))[..., 2:-2, 2:-2]
    torch.testing.assert_close(inner, inner[..., :1, :1].expand_as(inner))


def test_a_token_is_a_mean_over_the_pixels():
    tokens = SemanticTokens(4, 3)
    x = torch.randn(2, 4, 5, 6)
    attention = tokens.attention(x)
    assert attention.shape == (2, 3, 30)
    torch.testing.assert_close(attention.sum(dim=-1), torch.ones(2, 3))
    # A map of one color has tokens of that color, whatever the weights.
    color = torch.randn(2, 4, 1, 1)
    expected = color[..., 0, 0][:, None].expand(2, 3, 4)
    torch.testing.assert_close(tokens(color.expand(2, 4, 5, 6)), expected)
    # Moving the pixels about does not change what they sum up to.
    moved = x.flatten(2)[..., torch.randperm(30)].view_as(x)
    torch.testing.assert_close(tokens(moved), tokens(x))


def test_attention_to_equal_memories_returns_their_value():
    attention = Attention(4, heads=2, head_channels=3)
    memory = torch.randn(2, 1, 4)
    out = attention(torch.randn(2, 5, 4), memory.expand(2, 7, 4))
    expected = attention.out(attention.value(memory)).expand(2, 5, 4)
    torch.testing.assert_close(out, expected)


def test_a_layer_whose_last_maps_are_zero_passes_its_queries_on():
    layer = AttentionLayer(4, 2, 3, 8)
    for last in (layer.attention.out, layer.perceptron[-1]):
        torch.nn.init.zeros_(last.weight)
        torch.nn.init.zeros_(last.bias)
    queries = torch.randn(2, 5, 4)
    torch.testing.assert_close(layer(queries, torch.randn(2, 3, 4)), queries)


def test_both_dates_and_every_parameter_get_a_gradient():
    model = head().train()
    (first,), (second,) = maps(2, 5, 2, 3), maps(2, 5, 2, 3)
    first.requires_grad_()
    second.requires_grad_()
    logits = model(((first,), (second,)))
    (logits * torch.randn_like(logits)).sum().backward()
    assert first.grad.abs().sum(dim=(1, 2, 3)).min() > 0
    assert second.grad.abs().sum(dim=(1, 2, 3)).min() > 0
    still = [n for n, p in model.named_parameters() if p.grad is None]
    assert still == []


def test_the_head_has_the_published_size():
    """Counted by hand from the layers of the official code."""
    model = BITHead(in_channels=1024, in_index=0)
    attention = 3 * 32 * 512 + (512 * 32 + 32)
    layer = attention + 2 * 64 + (32 * 64 + 64) + (64 * 32 + 32)
    reduce = 1024 * 32 * 9 + 32
    classify = 32 * 32 * 9 + 64 + (32 * 2 * 9 + 2)
    expected = reduce + 32 * 4 + 8 * 32 + 9 * layer + classify
    assert sum(p.numel() for p in model.parameters()) == expected


# The slow transcription: one image, loops over pixels, tokens and heads.


def slow_bit(model, first, second):
    w = {name: p.detach().numpy() for name, p in model.named_parameters()}
    dates = [slow_conv(nearest(x, 2), w['reduce.weight'], w['reduce.bias'])
             for x in (first, second)]  # fmt: skip
    tokens = np.concatenate([slow_tokens(x, w['tokenise.score.weight']) for x in dates])
    tokens = tokens + w['positions'][0]
    tokens = slow_layer(tokens, tokens, w, 'encoder.0.', model)
    halves = np.split(tokens, 2)
    rewritten = []
    for x, memory in zip(dates, halves, strict=True):
        pixels = x.reshape(len(x), -1).T
        for depth in range(len(model.decoder)):
            pixels = slow_layer(pixels, memory, w, f'decoder.{depth}.', model)
        rewritten.append(pixels.T.reshape(x.shape))
    difference = np.abs(rewritten[0] - rewritten[1])
    difference = bilinear_aligned(nearest(difference, 2), 4)
    smooth = slow_conv(difference, w['smooth.0.weight'], None)
    # Fresh running statistics: mean 0, variance 1.
    scale = w['smooth.1.weight'] / math.sqrt(1 + model.smooth[1].eps)
    smooth = smooth * scale[:, None, None] + w['smooth.1.bias'][:, None, None]
    return slow_conv(np.maximum(smooth, 0), w['conv_seg.weight'], w['conv_seg.bias'])


def nearest(x, factor):
    return x.repeat(factor, axis=1).repeat(factor, axis=2)


def bilinear_aligned(x, factor):
    channels, height, width = x.shape
    out = np.zeros((channels, height * factor, width * factor))
    for row in range(height * factor):
        for col in range(width * factor):
            y = row * (height - 1) / (height * factor - 1)
            z = col * (width - 1) / (width * factor - 1)
            top, left = min(int(y), height - 2), min(int(z), width - 2)
            for i in (0, 1):
                for j in (0, 1):
                    share = (1 - abs(y - top - i)) * (1 - abs(z - left - j))
                    out[:, row, col] += share * x[:, top + i, left + j]
    return out


def slow_conv(x, weight, bias):
    _, height, width = x.shape
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1)))
    out = np.zeros((len(weight), height, width))
    for row in range(height):
        for col in range(width):
            patch = padded[:, row : row + 3, col : col + 3]
            out[:, row, col] = (weight * patch).sum(axis=(1, 2, 3))
    return out if bias is None else out + bias[:, None, None]


def slow_tokens(x, weight):
    pixels = x.reshape(len(x), -1).T
    tokens = []
    for kernel in weight[:, :, 0, 0]:
        scores = np.exp([kernel @ pixel for pixel in pixels])
        tokens.append((scores[:, None] * pixels).sum(axis=0) / scores.sum())
    return np.stack(tokens)


def slow_norm(x, weight, bias):
    mean, variance = x.mean(axis=-1, keepdims=True), x.var(axis=-1, keepdims=True)
    return (x - mean) / np.sqrt(variance + 1e-5) * weight + bias


def slow_layer(queries, memory, w, prefix, model):
    def part(name):
        return w[prefix + name]

    attention = model.encoder[0].attention
    q, m = (slow_norm(x, part('norm.weight'), part('norm.bias'))
            for x in (queries, memory))  # fmt: skip
    q, k, v = (x @ part(f'attention.{name}.weight').T
               for name, x in (('query', q), ('key', m), ('value', m)))  # fmt: skip
    size = q.shape[1] // attention.heads
    mixed = np.zeros_like(q)
    for n in range(attention.heads):
        here = slice(n * size, (n + 1) * size)
        for row in range(len(q)):
            scores = np.exp([q[row, here] @ key / math.sqrt(6) for key in k[:, here]])
            mixed[row, here] = (scores[:, None] * v[:, here]).sum(axis=0) / scores.sum()
    queries = (
        queries + mixed @ part('attention.out.weight').T + part('attention.out.bias')
    )
    hidden = slow_norm(queries, part('perceptron.0.weight'), part('perceptron.0.bias'))
    hidden = hidden @ part('perceptron.1.weight').T + part('perceptron.1.bias')
    gelu = np.vectorize(lambda x: x * (1 + math.erf(x / math.sqrt(2))) / 2)
    out = gelu(hidden) @ part('perceptron.3.weight').T + part('perceptron.3.bias')
    return queries + out
