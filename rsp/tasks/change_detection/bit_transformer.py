"""Compute tokens of an image, and attend between both."""

import torch.nn.functional as F
from torch import Tensor, nn


class SemanticTokens(nn.Module):
    r"""Sum up a map in a few vectors, each a weighted mean over the pixels.

    .. math:: T_l = \sum_p A_{lp} X_p, \qquad A_l = \mathrm{softmax}_p(w_l^T X_p)

    Semantic tokenizer of BIT, https://arxiv.org/abs/2103.00208, Sec. III-B.

    Args:
        channels: C.
        tokens: L, tokens per image.
    """

    def __init__(self, channels: int, tokens: int) -> None:
        super().__init__()
        self.score = nn.Conv2d(channels, tokens, kernel_size=1, bias=False)

    def attention(self, maps: Tensor) -> Tensor:
        """Weight the pixels: (N, C, h, w) -> (N, L, h·w), each L sums to 1."""
        return self.score(maps).flatten(2).softmax(dim=-1)

    def forward(self, maps: Tensor) -> Tensor:
        """Compute the tokens: (N, C, h, w) -> (N, L, C)."""
        return self.attention(maps) @ maps.flatten(2).transpose(1, 2)


class Attention(nn.Module):
    """Attend from queries to a memory by several heads.

    Logits are divided by the root of C, the channels of the input, as the official code
    does; the paper's formula has the root of the channels of a head.

    Args:
        channels: C.
        heads: Their number.
        head_channels: Channels of each head.
    """

    def __init__(self, channels: int, heads: int, head_channels: int) -> None:
        super().__init__()
        inner = heads * head_channels
        self.heads = heads
        self.scale = channels**-0.5
        self.query = nn.Linear(channels, inner, bias=False)
        self.key = nn.Linear(channels, inner, bias=False)
        self.value = nn.Linear(channels, inner, bias=False)
        self.out = nn.Linear(inner, channels)

    def forward(self, queries: Tensor, memory: Tensor) -> Tensor:
        """Attend: queries (N, Q, C) and memory (N, M, C) -> (N, Q, C)."""
        query, key, value = (
            layer(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for layer, x in (
                (self.query, queries),
                (self.key, memory),
                (self.value, memory),
            )
        )  # (N, heads, Q or M, head_channels)
        mixed = F.scaled_dot_product_attention(query, key, value, scale=self.scale)
        return self.out(mixed.transpose(1, 2).flatten(2))


class AttentionLayer(nn.Module):
    """Apply attention and a perceptron, each behind a layer norm and around a shortcut.

    An encoder layer if the memory is the queries themselves, a decoder layer if it is
    something else; one norm serves both, as in the official code.

    Args:
        channels: C.
        heads: See `Attention`.
        head_channels: See `Attention`.
        hidden: Width of the perceptron.
    """

    def __init__(
        self, channels: int, heads: int, head_channels: int, hidden: int
    ) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.attention = Attention(channels, heads, head_channels)
        self.perceptron = nn.Sequential(
            nn.LayerNorm(channels),
            nn.Linear(channels, hidden),
            nn.GELU(),
            nn.Linear(hidden, channels),
        )

    def forward(self, queries: Tensor, memory: Tensor) -> Tensor:
        """Attend: queries (N, Q, C) and memory (N, M, C) -> (N, Q, C)."""
        queries = queries + self.attention(self.norm(queries), self.norm(memory))
        return queries + self.perceptron(queries)
