import pytest
import torch
from torch.testing import assert_close

from rsp.models.heads import ReconstructionHead
from rsp.ops.masking import mask_fill


def head(channels=5, stride=32, **kwargs):
    decoder = dict(
        type='SimMIMLinearDecoder', in_channels=channels, encoder_stride=stride
    )
    return ReconstructionHead(decoder, **kwargs)


@pytest.mark.parametrize(
    ('channels', 'parameters'), [(2048, 6_294_528), (1024, 3_148_800)]
)
def test_published_sizes(channels, parameters):
    count = sum(p.numel() for p in head(channels).parameters())
    assert count == parameters


def test_a_cell_reaches_its_own_block_only():
    feats = torch.randn(1, 5, 7, 7)
    other = feats.clone()
    other[0, :, 2, 5] += 1
    decoder = head()
    changed = (decoder(other) != decoder(feats)).any(1)[0]
    assert changed[64:96, 160:192].all()
    changed[64:96, 160:192] = False
    assert not changed.any()


def test_both_losses_are_named():
    losses = head().loss(
        torch.randn(2, 5, 2, 3), torch.randn(2, 3, 64, 96), torch.ones(2, 2, 3)
    )
    assert set(losses) == {'loss_spatial', 'loss_frequency'}


def test_the_frequency_loss_may_be_left_out():
    losses = head(frequency=None).loss(
        torch.randn(2, 5, 2, 3), torch.randn(2, 3, 64, 96), torch.ones(2, 2, 3)
    )
    assert set(losses) == {'loss_spatial'}


def test_an_image_the_stride_does_not_divide_is_refused():
    # A 80-pixel image leaves a backbone of stride 32 as a map of 3 x 3 patches.
    with pytest.raises(ValueError, match=r'divisible by the backbone.s stride'):
        head().loss(
            torch.randn(2, 5, 3, 3), torch.randn(2, 3, 80, 80), torch.ones(2, 5, 5)
        )


def test_a_decoder_of_zeros_gives_the_fill():
    images, mask = torch.randn(2, 3, 64, 96), torch.randint(0, 2, (2, 2, 3))
    decoder = torch.nn.Conv2d(3, 3, 1)
    torch.nn.init.zeros_(decoder.weight), torch.nn.init.zeros_(decoder.bias)
    residual = ReconstructionHead(decoder, residual=True)
    reconstructed = residual.reconstruct(torch.randn(2, 3, 64, 96), images)
    hidden = torch.ones_like(mask)
    assert_close(reconstructed, mask_fill(images, hidden).expand_as(reconstructed))

    losses = residual.loss(torch.randn(2, 3, 64, 96), images, mask)
    pixels = ReconstructionHead(torch.nn.Identity())
    expected = pixels.loss(mask_fill(images, hidden), images, mask)
    assert_close(losses, expected)
