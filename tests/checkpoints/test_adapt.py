"""An RGB network that meets images of other bands."""

import json

import official
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmpretrain.models import ResNet, SwinTransformer, VisionTransformer
from torch.testing import assert_close

from rsp import checkpoints
from rsp.checkpoints.adapt import adapt_input_conv, inflate_stem
from rsp.models.backbones import VGG

NETWORKS = dict(
    resnet=(
        official.narrow_resnet,
        lambda bands: ResNet(18, bands, stem_channels=4, base_channels=4),
    ),
    vgg=(
        lambda: official.randomised(VGG(11, norm_cfg=dict(type='BN'))),
        lambda bands: VGG(11, bands, norm_cfg=dict(type='BN')),
    ),
    swin=(
        official.swin,
        lambda bands: SwinTransformer(official.SWIN, in_channels=bands),
    ),
    vit=(
        official.vit,
        lambda bands: VisionTransformer(
            official.VIT, img_size=32, patch_size=8, in_channels=bands, out_type='raw'
        ),
    ),
)


@settings(max_examples=25, deadline=None)
@given(bands=st.integers(1, 16), seed=st.integers(0, 99))
def test_equal_bands_are_answered_as_gray_is(bands, seed):
    g = torch.Generator().manual_seed(seed)
    kernel = torch.randn(4, 3, 2, 5, generator=g, dtype=torch.float64)
    gray = torch.randn(2, 1, 6, 7, generator=g, dtype=torch.float64)
    expected = torch.conv2d(gray.expand(-1, 3, -1, -1), kernel)
    inflated = adapt_input_conv(kernel, bands)
    assert inflated.shape == (4, bands, 2, 5)
    assert_close(torch.conv2d(gray.expand(-1, bands, -1, -1), inflated), expected)


@pytest.mark.parametrize('bands', [1, 4, 13])
@pytest.mark.parametrize('family', NETWORKS)
def test_equal_bands_give_the_features_of_the_gray_image(tmp_path, family, bands):
    if family == 'vgg' and bands != 13:
        pytest.skip('large, and told by one number of bands')
    make_source, make = NETWORKS[family]
    source, model = make_source(), make(bands)
    torch.save(source.state_dict(), tmp_path / 'rgb.pth')
    report = checkpoints.load_pretrained(model, tmp_path / 'rgb.pth', inflate_stem=True)
    assert (report.complete, report.percent) == (True, 100)
    (said,) = report.inflated
    assert f'from 3 to {bands} bands' in said
    model.eval()
    size = dict(swin=224).get(family, 32)
    gray = torch.randn(1, 1, size, size)
    with torch.no_grad():
        expected = source(gray.expand(-1, 3, -1, -1))[-1]
        answer = model(gray.expand(-1, bands, -1, -1))[-1]
    assert_close(answer, expected, rtol=1e-3, atol=1e-4)


@pytest.fixture
def rgb(tmp_path):
    source = official.narrow_resnet()
    torch.save(source.state_dict(), tmp_path / 'rgb.pth')
    return tmp_path / 'rgb.pth'


def test_it_has_to_be_asked_for(rgb):
    _, make = NETWORKS['resnet']
    with pytest.raises(ValueError, match='does not fill') as refusal:
        checkpoints.load_pretrained(make(5), rgb)
    assert 'conv1.weight: (4, 3, 7, 7) in the file, (4, 5, 7, 7)' in str(refusal.value)
    assert 'pass --inflate-stem' in str(refusal.value)


def test_the_report_tells_of_it(rgb):
    _, make = NETWORKS['resnet']
    report = checkpoints.load_pretrained(make(5), rgb, inflate_stem=True)
    assert 'inflated    1 with the mean filter of red, green and blue' in str(report)
    assert 'conv1.weight from 3 to 5 bands' in str(report)
    told = json.loads(json.dumps(report.to_dict()))
    assert told['inflated'] == ['conv1.weight from 3 to 5 bands']


def test_three_bands_are_left_alone(rgb):
    _, make = NETWORKS['resnet']
    model = make(3)
    report = checkpoints.load_pretrained(model, rgb, inflate_stem=True)
    assert report.inflated == ()
    assert 'inflated' not in str(report)
    assert torch.equal(model.conv1.weight, torch.load(rgb)['conv1.weight'])


def test_a_stem_of_another_size_is_no_rgb_stem():
    wanted = dict(stem=torch.zeros(4, 5, 3, 3), grown=torch.zeros(4, 5, 3, 3))
    found = dict(stem=torch.ones(4, 3, 7, 7), grown=torch.ones(4, 4, 3, 3))
    tensors, said = inflate_stem(found, wanted)
    assert said == ()
    assert all(tensors[name] is found[name] for name in found)
