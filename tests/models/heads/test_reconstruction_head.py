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


@pytest.mark.parametrize('bands', [1, 2, 13])
def test_the_losses_of_bands_are_means_over_them(bands):
    """The same in every band costs what it costs in one."""
    feats, mask = torch.randn(2, 5, 2, 3), torch.randint(0, 2, (2, 2, 3))
    one = torch.randn(2, 1, 64, 96)
    identity = ReconstructionHead(torch.nn.Identity())
    alone = identity.loss(torch.zeros(2, 1, 64, 96), one, mask)
    together = identity.loss(
        torch.zeros(2, bands, 64, 96), one.expand(-1, bands, -1, -1), mask
    )
    assert_close(together, alone)

    decoder = dict(
        type='rsp.LinearDecoder',
        in_channels=5,
        encoder_stride=32,
        out_channels=bands,
    )
    decoded = ReconstructionHead(decoder)
    assert decoded(feats).shape == (2, bands, 64, 96)
    losses = decoded.loss(feats, one.expand(-1, bands, -1, -1), mask)
    sum(losses.values()).backward()
    assert decoded.decoder.decoder[0].weight.grad.abs().sum() > 0


def test_three_bands_are_decoded_as_by_mmpretrain():
    torch.manual_seed(0)
    theirs = head(7)
    torch.manual_seed(0)
    decoder = dict(type='rsp.LinearDecoder', in_channels=7, encoder_stride=32)
    ours = ReconstructionHead(decoder)
    assert_close(ours.state_dict(), theirs.state_dict(), rtol=0, atol=0)


def test_a_decoder_of_other_bands_is_refused():
    with pytest.raises(ValueError, match=r"the images, 13, got 3; set 'out_channels'"):
        head().loss(
            torch.randn(2, 5, 2, 2), torch.randn(2, 13, 64, 64), torch.ones(2, 2, 2)
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
