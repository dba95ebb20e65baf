"""A file is trusted with a network only if it fills it and computes the same."""

import official
import pytest
import torch
from mmpretrain.models import ResNet

from rsp import checkpoints
from rsp.cli import main
from rsp.models.backbones import MaskedResNet

RESNET = 'torchvision:resnet18'


@pytest.fixture
def source(tmp_path):
    file = tmp_path / 'source.pth'
    torch.save(official.ours(official.resnet(), official.resnet(18)), file)
    return file


@pytest.fixture
def converted(tmp_path, source):
    file = tmp_path / 'converted.pth'
    checkpoints.export_backbone(source, file, to='torchvision')
    return file


def spoil(file, change):
    content = torch.load(file, weights_only=True)
    change(content['state_dict'])
    torch.save(content, file)


def swapped(state):
    a, b = 'layer2.1.conv1.weight', 'layer2.1.conv2.weight'
    state[a], state[b] = state[b], state[a]


def transposed(state):
    name = 'layer3.1.conv2.weight'
    state[name] = state[name].transpose(0, 1).contiguous()


def missing(state):
    del state['layer4.0.bn1.running_mean']


def test_the_network_of_a_masked_pretraining_is_filled(tmp_path):
    """No export keeps what stands in for masked patches."""
    network = MaskedResNet(depth=18)
    source, out = tmp_path / 'source.pth', tmp_path / 'out.pth'
    state = {f'backbone.{name}': t for name, t in network.state_dict().items()}
    torch.save(state, source)
    checkpoints.export_backbone(source, out)

    result = checkpoints.verify(out, MaskedResNet(depth=18), source=source)

    assert result.passed, result
    assert result.tensors == result.all_tensors == len(state) - 1


@pytest.mark.parametrize('bands', [13, 2])
@pytest.mark.parametrize('library', ['torchvision', 'timm', 'mmpretrain'])
def test_a_file_of_other_bands_passes_in_every_library(tmp_path, library, bands):
    """Models are named for RGB: their first layer is made for the file's bands."""
    if library == 'timm':
        pytest.importorskip('timm')
    backbone = ResNet(18, in_channels=bands).state_dict()
    source, converted = tmp_path / 'source.pth', tmp_path / 'converted.pth'
    torch.save(
        {f'backbone.{name}': tensor for name, tensor in backbone.items()}, source
    )
    checkpoints.export_backbone(source, converted, to=library)
    name = 'resnet18_8xb32_in1k' if library == 'mmpretrain' else 'resnet18'
    result = checkpoints.verify(converted, f'{library}:{name}', source)
    assert result.passed, str(result)
    if library != 'mmpretrain':
        build = getattr(checkpoints, f'to_{library}')
        assert build(converted)(torch.rand(1, bands, 64, 64)).shape == (1, 512)


def test_a_whole_file_passes(source, converted):
    for file, origin in ((source, None), (converted, None), (converted, source)):
        result = checkpoints.verify(file, RESNET, origin)
        assert result.passed, str(result)
        assert result.tensors == result.all_tensors == 120
        assert result.parameters == result.all_parameters == 11_176_512
        assert result.maps == 4
        assert result.difference <= 1e-5


@pytest.mark.parametrize('change', [swapped, transposed, missing])
@pytest.mark.parametrize('with_card', [True, False])
def test_a_damaged_file_does_not(source, converted, change, with_card):
    spoil(converted, change)
    if not with_card:
        content = torch.load(converted, weights_only=True)
        torch.save(content['state_dict'], converted)
    result = checkpoints.verify(converted, RESNET, None if with_card else source)
    assert not result.passed
    if change is missing:
        assert '1 missing (layer4.0.bn1.running_mean)' in str(result)
    elif with_card:
        assert 'not those of the card: layer' in str(result)
    else:
        assert result.difference > 1e-3


def test_a_damaged_file_is_not_converted_any_further(tmp_path, converted):
    spoil(converted, swapped)
    with pytest.raises(ValueError, match=r'2 tensors of .*layer2.1.conv1.weight'):
        checkpoints.export_backbone(converted, tmp_path / 'next.pth')
    assert 'TROUBLE     2 tensors are not those of the card' in str(
        checkpoints.inspect(converted)
    )


def test_another_architecture_is_told_by_its_first_layer(source):
    result = checkpoints.verify(source, 'torchvision:resnet50')
    assert not result.passed
    assert (
        '(layer1.0.conv1.weight: (64, 64, 3, 3) in the file, (64, 64, 1, 1) in '
        'the model'
    ) in str(result)


def test_configs_of_ours_and_of_mmpretrain_are_targets(tmp_path, source):
    config = tmp_path / 'small.py'
    config.write_text(
        "default_scope = 'mmpretrain'\n"
        "model = dict(type='ImageClassifier', backbone=dict(type='ResNet', depth=18,\n"
        "    init_cfg=dict(type='Pretrained', checkpoint='none.pth')))\n"
    )
    assert checkpoints.verify(source, str(config)).passed
    assert checkpoints.verify(source, 'mmpretrain:resnet18_8xb32_in1k').passed


def test_timm_is_a_target(source):
    pytest.importorskip('timm')
    result = checkpoints.verify(source, 'timm:resnet18')
    assert result.passed, str(result)


def test_an_unknown_target_is_refused_with_those_there_are(source):
    with pytest.raises(ValueError, match=r"timm:<model>.*got 'keras:resnet18'"):
        checkpoints.verify(source, 'keras:resnet18')


def test_the_command_ends_with_one_if_a_file_fails(capsys, converted):
    arguments = [str(converted), '--against', RESNET]
    main('checkpoint verify', argv=arguments)
    assert 'passed' in capsys.readouterr().out
    spoil(converted, transposed)
    with pytest.raises(SystemExit) as leaving:
        main('checkpoint verify', argv=arguments)
    assert leaving.value.code == 1
    assert 'FAILED' in capsys.readouterr().out


def test_the_command_converts_and_inspects(capsys, tmp_path, source):
    main('checkpoint convert', argv=[str(source), str(tmp_path / 'out.pth')])
    printed = capsys.readouterr().out
    assert 'ResNet-18 of the student in source.pth, 120 tensors, 11.18 M' in printed
    assert 'left out: teacher.module.backbone (120 tensors), neck (2)' in printed
    main('checkpoint inspect', argv=[str(source)])
    printed = capsys.readouterr().out
    for part in (
        'a pre-training of rsp',
        'student',
        'teacher',
        '120 tensors, 11,176,512',
    ):
        assert part in printed


def test_help_names_every_library_to_convert_to(capsys):
    with pytest.raises(SystemExit):
        main('checkpoint convert', argv=['--help'])
    said = capsys.readouterr().out
    assert all(name in said for name in checkpoints.TARGETS)


def test_suspicious_numbers_are_reported(tmp_path):
    state = official.narrow_resnet().state_dict()
    state['layer1.0.conv1.weight'].zero_()
    state['layer1.0.bn1.bias'][0] = float('nan')
    state['bn1.num_batches_tracked'].zero_()
    state['bn1.running_var'][0] = -1
    torch.save(state, tmp_path / 'a.pth')
    found = checkpoints.inspect(tmp_path / 'a.pth')
    assert found.troubles == [
        '1 tensors hold NaN or infinity: layer1.0.bn1.bias',
        '1 tensors are zero throughout: layer1.0.conv1.weight',
        '1 tensors say that batch norm has seen no batch: bn1.num_batches_tracked',
        '1 tensors are variances below zero: bn1.running_var',
    ]


def test_a_name_that_the_format_does_not_know_is_told(tmp_path):
    content = official.moco(official.narrow_resnet(), official.narrow_resnet())
    torch.save(content, tmp_path / 'a.pth')
    assert checkpoints.inspect(tmp_path / 'a.pth').unknown == []
    content['state_dict']['module.memory'] = torch.ones(3)
    torch.save(content, tmp_path / 'a.pth')
    assert 'unknown     memory' in str(checkpoints.inspect(tmp_path / 'a.pth'))


def test_an_alias_that_differs_is_told(tmp_path):
    content = official.gersp(official.narrow_resnet(), official.narrow_resnet(), 8)
    content['state_dict']['encoder_q.conv1.weight'] = torch.zeros(4, 3, 7, 7)
    torch.save(content, tmp_path / 'a.pth')
    found = checkpoints.inspect(tmp_path / 'a.pth')
    assert (
        '1 tensors of the student differ between backbone. and encoder_q.: conv1'
        in (str(found))
    )


@pytest.mark.parametrize(
    'format', ['gersp', 'cmid', 'geokr', 'moco', 'mmselfsup', 'ours']
)
def test_every_format_is_told_by_name(tmp_path, format):
    arguments = [official.narrow_resnet(), official.narrow_resnet()]
    torch.save(getattr(official, format)(*arguments), tmp_path / 'a.pth')
    text = str(checkpoints.inspect(tmp_path / 'a.pth'))
    title = dict(
        gersp='official GeRSP',
        cmid='official CMID',
        geokr='official GeoKR',
        moco='MoCo',
        mmselfsup='MMSelfSup 0.x',
        ours='rsp',
    )[format]
    assert title in text.splitlines()[0]
    assert text.count('ResNet-18') == 2
