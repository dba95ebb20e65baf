"""ResNet-C and ResNet-D of every library compute the same, others are refused."""

import official
import pytest
import torch
from mmpretrain.models import ResNet
from torch.testing import assert_close

from rsp import checkpoints
from rsp.checkpoints import load_backbone, to_timm, to_torchvision
from rsp.checkpoints.checkpoint import take_backbone
from rsp.errors import UserError

# Without and with averaging in shortcuts; a bottleneck has one in its first stage, too.
KINDS = pytest.mark.parametrize(
    ('depth', 'averages'), [(18, False), (18, True), (50, True)], ids=['c', 'd', '50d']
)


def mm(depth, averages, **more):
    network = ResNet(depth, deep_stem=True, avg_down=averages, **more)
    return official.randomised(network)


def timm(depth, averages, **more):
    models = pytest.importorskip('timm.models')
    return official.randomised(
        models.create_model(f'resnet{depth}d', avg_down=averages, **more)
    )


def images(bands=3):
    return torch.randn(1, bands, 64, 64, generator=torch.Generator().manual_seed(0))


def close(found, expected):
    assert_close(found, expected, rtol=0, atol=float(3e-6 * expected.abs().max()))


@KINDS
def test_a_file_of_timm_computes_the_same_there_and_back(tmp_path, depth, averages):
    network = timm(depth, averages, num_classes=5)
    torch.save(dict(state_dict=network.state_dict()), tmp_path / 'a.pth')
    with torch.no_grad():
        expected = network.forward_features(images())
        close(load_backbone(tmp_path / 'a.pth')(images())[-1], expected)
        close(to_timm(tmp_path / 'a.pth').forward_features(images()), expected)
    taken = checkpoints.Checkpoint.load(tmp_path / 'a.pth').backbone()
    assert taken.architecture == f'ResNetV1{"d" if averages else "c"}-{depth}'
    assert set(taken.left_out) == {'fc.weight', 'fc.bias'}


@KINDS
def test_a_network_of_mmseg_computes_the_same(tmp_path, depth, averages):
    """Its stem is a flat sequence; in mmdet it is the same, and averages there."""
    backbones = pytest.importorskip('mmseg.models.backbones')
    theirs = backbones.ResNet(depth, deep_stem=True, avg_down=averages)
    torch.save(dict(state_dict=official.randomised(theirs).state_dict()),
               tmp_path / 'a.pth')  # fmt: skip
    built = load_backbone(tmp_path / 'a.pth')
    with torch.no_grad():
        close(built(images())[-1], theirs(images())[-1])
    back = take_backbone(built.state_dict()).for_library('mmseg')
    own = theirs.state_dict()
    assert back.keys() == own.keys()
    assert all(torch.equal(back[name], tensor) for name, tensor in own.items())


@pytest.mark.parametrize('averages', [False, True], ids='cd')
def test_verify_compares_four_stages(tmp_path, averages):
    source, out = tmp_path / 'a.pth', tmp_path / 'b.pth'
    network = mm(18, averages, in_channels=5)
    torch.save({f'backbone.{n}': t for n, t in network.state_dict().items()}, source)
    checkpoints.export_backbone(source, out, to='timm')
    result = checkpoints.verify(out, timm(18, averages, in_chans=5), source)
    assert result.passed, str(result)
    assert result.maps == 4


def test_a_plain_stem_with_averages_is_read_and_goes_to_no_other_library(tmp_path):
    network = official.randomised(ResNet(18, avg_down=True))
    torch.save(network.state_dict(), tmp_path / 'a.pth')
    with torch.no_grad():
        close(load_backbone(tmp_path / 'a.pth')(images())[-1], network(images())[-1])
    for convert in (to_timm, to_torchvision):
        with pytest.raises(UserError, match='avg_down=True'):
            convert(tmp_path / 'a.pth')


def test_torchvision_has_no_deep_stem(tmp_path):
    torch.save(mm(18, True).state_dict(), tmp_path / 'a.pth')
    with pytest.raises(UserError, match='to convert to torchvision, got ResNet-C'):
        to_torchvision(tmp_path / 'a.pth')


@pytest.mark.parametrize(
    ('name', 'called', 'message'),
    [
        ('resnext50_32x4d', 'ResNeXt-50', 'got a ResNeXt with 3-4-6-3'),
        ('wide_resnet50_2', 'wide ResNet-50', 'got a wide ResNet'),
        ('resnet50t', 'ResNetV1d-50', r'got \[24, 32, 64\]'),
        ('resnext50d_32x4d', 'ResNeXtV1d-50', 'got a ResNeXtV1d'),
    ],
)
def test_relatives_are_told_from_a_resnet(tmp_path, name, called, message):
    models = pytest.importorskip('timm.models')
    torch.save(models.create_model(name).state_dict(), tmp_path / 'a.pth')
    assert called in str(checkpoints.inspect(tmp_path / 'a.pth'))
    with pytest.raises(UserError, match=message):
        load_backbone(tmp_path / 'a.pth')


def test_squeezed_blocks_behind_a_deep_stem_are_not_renamed_in_part(tmp_path):
    models = pytest.importorskip('timm.models')
    torch.save(models.create_model('ecaresnet50d').state_dict(), tmp_path / 'a.pth')
    with pytest.raises(UserError, match='not converted in part'):
        checkpoints.export_backbone(tmp_path / 'a.pth', tmp_path / 'b.pth')
