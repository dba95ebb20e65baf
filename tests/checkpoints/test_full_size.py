"""Released formats at their real size, through every library and back."""

import official
import pytest
import test_roundtrips as roundtrips
import torch
from mmpretrain.models import ResNet, SwinTransformer, VisionTransformer

from rsp import checkpoints

pytestmark = pytest.mark.slow


@pytest.fixture(scope='module')
def networks():
    """One network of each family, every number drawn."""
    return dict(
        resnet=official.randomised(ResNet(50, out_indices=(0, 1, 2, 3))),
        swin=official.randomised(SwinTransformer('base', drop_path_rate=0.0)),
        vit=official.randomised(VisionTransformer('base', out_type='raw')),
    )


@pytest.mark.parametrize('library', roundtrips.LIBRARIES)
@pytest.mark.parametrize('family', ['resnet', 'swin', 'vit'])
def test_every_library_computes_the_same(networks, family, library):
    roundtrips.needs(library)
    side = dict(resnet=64, swin=224, vit=224)[family]
    if family == 'swin' and library in ('mmdet', 'mmseg', 'mmrotate'):
        # They shift the only window of a 7 x 7 map; the others do not.
        side = 256
    roundtrips.compare(networks[family], library, side)


def test_an_official_gersp_file_has_970_tensors(tmp_path, networks):
    model = networks['resnet']
    content = official.gersp(model, ResNet(50))
    assert len(content['state_dict']) == 970
    torch.save(content, tmp_path / 'epoch_100.pth')
    target = ResNet(50)
    report = checkpoints.load_pretrained(target, tmp_path / 'epoch_100.pth')
    assert (report.percent, len(report.loaded)) == (100, 318)
    for name, tensor in model.state_dict().items():
        assert torch.equal(target.state_dict()[name], tensor)


@pytest.mark.parametrize(
    ('family', 'targets'),
    [
        (
            'resnet',
            [
                'torchvision:resnet50',
                'mmpretrain:resnet50_8xb32_in1k',
                'configs/downstream/detection/faster-rcnn_r50_dior.py',
                'configs/downstream/classification/r50_eurosat_probe.py',
            ],
        ),
        (
            'swin',
            [
                'torchvision:swin_b',
                'mmpretrain:swin-base_16xb64_in1k',
                'configs/downstream/segmentation/upernet_swin-b_potsdam.py',
            ],
        ),
        ('vit', ['torchvision:vit_b_16']),
    ],
)
def test_official_files_are_verified_against_named_networks(
    tmp_path, networks, family, targets
):
    model = networks[family]
    file = tmp_path / 'official.pth'
    torch.save(official.cmid(model, model), file)
    for target in targets:
        result = checkpoints.verify(file, target)
        assert result.passed, str(result)


@pytest.mark.parametrize(
    ('family', 'target'),
    [
        ('resnet', 'timm:resnet50'),
        ('swin', 'timm:swin_base_patch4_window7_224'),
        ('vit', 'timm:vit_base_patch16_224'),
    ],
)
def test_official_files_are_verified_against_timm(tmp_path, networks, family, target):
    pytest.importorskip('timm')
    file = tmp_path / 'official.pth'
    torch.save(networks[family].state_dict(), file)
    result = checkpoints.verify(file, target)
    assert result.passed, str(result)


@pytest.mark.parametrize('family', ['resnet', 'swin', 'vit'])
def test_plain_users_get_networks(tmp_path, networks, family):
    file = tmp_path / 'a.pth'
    torch.save(networks[family].state_dict(), file)
    images = roundtrips.image()
    with torch.no_grad():
        features = checkpoints.to_torchvision(file)(images)
    assert features.shape == (1, dict(resnet=2048, swin=1024, vit=768)[family])
    again = checkpoints.load_backbone(file)
    with torch.no_grad():
        other = checkpoints.to_torchvision(again)(images)
    assert torch.equal(features, other)
