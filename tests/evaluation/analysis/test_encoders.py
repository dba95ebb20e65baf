"""Backbones to compare: their names, pixels, and the maps of their stages."""

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from rsp.checkpoints import load_backbone
from rsp.errors import UserError
from rsp.evaluation.analysis.backbones import load_encoders
from rsp.evaluation.analysis.stages import STAGES


@pytest.mark.parametrize('kind', ['resnet', 'swin', 'vit'])
def test_stages_of_images_that_are_not_square(kind, write_backbone):
    [encoder] = load_encoders([write_backbone(kind)])
    maps = encoder.maps(torch.randn(2, 3, 64, 96))
    assert list(maps) == list(STAGES)
    for place, features in maps.items():
        stride = encoder.stride(place)
        assert features.shape[2:] == (64 // stride, 96 // stride)


@pytest.mark.parametrize('kind', ['resnet', 'swin'])
def test_the_last_stage_is_what_the_network_returns(kind, write_backbone):
    file = write_backbone(kind)
    [encoder] = load_encoders([file])
    images = torch.randn(1, 3, 64, 96)
    assert_close(encoder.maps(images)['stage4'], load_backbone(file)(images)[-1])


def test_the_last_map_of_a_vit_lacks_the_class_token(write_backbone):
    file = write_backbone('vit')
    [encoder] = load_encoders([file])
    images = torch.randn(1, 3, 64, 96)
    tokens = load_backbone(file)(images)[-1]
    assert_close(encoder.maps(images)['stage4'].flatten(2).mT, tokens[:, 1:])


def test_swin_takes_maps_smaller_than_its_window(write_backbone):
    [encoder] = load_encoders([write_backbone('swin')])
    assert encoder.maps(torch.randn(1, 3, 32, 32))['stage4'].shape[2:] == (1, 1)


def test_pixels_are_normalized_as_the_file_says(write_backbone):
    cfg = 'model=dict(data_preprocessor=dict(mean=[1, 2, 3], std=[2, 2, 2]{}))'
    pixels = np.zeros((1, 2, 4, 3), np.uint8) + np.array([10, 20, 30], np.uint8)
    [rgb] = load_encoders([write_backbone(cfg=cfg.format(', to_rgb=True'))])
    assert_close(rgb.prepare(pixels)[0, :, 0, 0], torch.tensor([4.5, 9.0, 13.5]))
    [bgr] = load_encoders([write_backbone(cfg=cfg.format(''))])
    assert_close(bgr.prepare(pixels)[0, :, 0, 0], torch.tensor([14.5, 9.0, 3.5]))


def test_a_file_that_does_not_tell_its_pixels_is_told(write_backbone, capsys):
    [encoder] = load_encoders([write_backbone()])
    assert encoder.normalization == 'ImageNet'
    assert 'does not tell the mean and deviation' in capsys.readouterr().err


def test_names_are_given_or_as_short_as_they_differ(write_backbone, tmp_path):
    for folder in ('a', 'b'):
        (tmp_path / folder).mkdir()
    first, second = (write_backbone(name=f'{f}/epoch_1') for f in ('a', 'b'))
    names = [e.name for e in load_encoders([first, second, f'mine={first}'])]
    assert names == ['a/epoch_1', 'b/epoch_1', 'mine']
    with pytest.raises(UserError, match='different names'):
        load_encoders([first, first])


def test_a_file_that_is_not_whole_is_refused_in_one_line(write_backbone, tmp_path):
    content = torch.load(write_backbone())
    content['state_dict'].pop('backbone.layer3.0.bn2.weight')
    torch.save(content, tmp_path / 'cut.pth')
    with pytest.raises(
        UserError, match=r'is not filled: 1 missing \(layer3'
    ) as refusal:
        load_encoders([str(tmp_path / 'cut.pth')])
    assert '\n' not in str(refusal.value)


def test_untrained_networks_of_timm_have_names_and_repeat():
    pytest.importorskip('timm', reason="needs the 'convert' extra")
    first, second = (load_encoders(['random:resnet18'])[0] for _ in range(2))
    assert_close(first.network.conv1.weight, second.network.conv1.weight)
    with pytest.raises(UserError, match="no model 'resnet-18'; nearest"):
        load_encoders(['random:resnet-18'])
