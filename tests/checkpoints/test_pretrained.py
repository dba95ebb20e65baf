import pytest
import torch
from mmpretrain.models import ResNet, SwinTransformer, VisionTransformer
from torch.testing import assert_close

from rsp import checkpoints
from rsp.models.backbones import MaskedSwinTransformer

SWIN = dict(embed_dims=8, depths=[1, 1, 1, 1], num_heads=[1, 1, 2, 2])


def resnet(**arguments):
    return ResNet(**dict(depth=18, base_channels=4, stem_channels=4) | arguments)


def scrambled(model):
    """The model's tensors, each filled with a number of its own."""
    return {
        name: torch.full_like(tensor, number)
        for number, (name, tensor) in enumerate(model.state_dict().items())
    }


@pytest.fixture
def save(tmp_path):
    """Return a function that writes tensors by name, under a prefix."""

    def write(state, prefix='', **more):
        file = tmp_path / 'source.pth'
        torch.save({f'{prefix}{n}': t for n, t in state.items()} | more, file)
        return file

    return write


def assert_filled(model, state):
    for name, tensor in model.state_dict().items():
        assert_close(tensor, state[name].to(tensor))


def test_the_student_of_a_pretraining_fills_the_backbone(save):
    state, model = scrambled(resnet()), resnet()
    teacher = {f'teacher.module.backbone.{n}': t + 1 for n, t in state.items()}
    file = save(state, 'backbone.', **teacher, queue=torch.zeros(4, 8))
    report = checkpoints.load_pretrained(model, file)
    assert_filled(model, state)
    assert report.complete
    assert report.percent == 100
    assert len(report.loaded) == len(state) == 120
    assert report.parameters == sum(p.numel() for p in model.parameters())
    assert set(report.ignored) == {*teacher, 'queue'}
    checkpoints.load_pretrained(model, file, branch='teacher')
    assert_filled(model, {n: t + 1 for n, t in state.items()})


def test_a_torchvision_file_fills_the_backbone_without_its_classifier(save):
    torchvision = pytest.importorskip('torchvision')
    state = scrambled(torchvision.models.resnet50())
    model = ResNet(depth=50)
    report = checkpoints.load_pretrained(model, save(state))
    assert report.percent == 100
    assert len(report.loaded) == len(model.state_dict()) == 318
    assert report.ignored == ('fc.weight', 'fc.bias')
    assert_filled(model, state)


def test_a_lacking_a_strange_and_a_misshapen_tensor_are_refused_by_name(save):
    state = scrambled(resnet())
    del state['layer1.0.conv1.weight']
    state['layer9.bias'] = torch.zeros(3)
    state['layer4.1.bn2.weight'] = torch.zeros(5)
    file = save(state, 'backbone.')
    with pytest.raises(checkpoints.MismatchError, match='does not fill') as refusal:
        checkpoints.load_pretrained(resnet(), file)
    assert refusal.value.report.missing == ('layer1.0.conv1.weight',)
    for part in (
        '118 of 120 tensors',
        'missing     1 not in the file: layer1.0.conv1.weight',
        'layer4.1.bn2.weight: (5,) in the file, (32,) in the model',
        'of the file that the model lacks: layer9.bias',
        '--allow-partial',
    ):
        assert part in str(refusal.value)


@pytest.mark.parametrize('value', [float('nan'), float('inf')])
def test_weights_of_a_training_that_diverged_are_refused(save, value):
    state = scrambled(resnet())
    state['layer2.0.bn1.bias'][1] = value
    file = save(state, 'backbone.')
    with pytest.raises(ValueError, match=r'1 of 120 .*not finite: layer2.0.bn1.bias'):
        checkpoints.load_pretrained(resnet(), file, allow_partial=True)


def test_what_fits_is_loaded_if_that_is_wanted(save):
    state, model = scrambled(resnet()), resnet()
    del state['layer1.0.conv1.weight']
    state['layer4.1.bn2.weight'] = torch.zeros(5)
    before = model.state_dict()['layer1.0.conv1.weight'].clone()
    report = checkpoints.load_pretrained(
        model, save(state, 'backbone.'), allow_partial=True
    )
    absent = before.numel() + 32
    assert report.parameters - report.loaded_parameters == absent
    after = model.state_dict()
    assert_close(after['layer1.0.conv1.weight'], before)
    # The last tensor of the model came in although an earlier one did not fit.
    assert_close(after['layer4.1.bn2.bias'], state['layer4.1.bn2.bias'])


def test_a_deeper_network_is_refused_although_it_fills_the_model(save):
    file = save(scrambled(resnet(depth=34)), 'backbone.')
    with pytest.raises(ValueError, match=r'unexpected .*layer1.2.conv1.weight'):
        checkpoints.load_pretrained(resnet(), file)


def test_nothing_in_common_is_refused_even_if_part_would_do(save):
    file = save({'conv9.weight': torch.zeros(2)}, 'backbone.')
    with pytest.raises(ValueError, match=r'loaded      0 of 100 tensors'):
        checkpoints.load_pretrained(resnet(), file, allow_partial=True)


def test_a_dense_swin_adds_norms_that_are_new_not_missing(save):
    masked = MaskedSwinTransformer(arch=SWIN, img_size=64)
    state = scrambled(masked)
    dense = SwinTransformer(arch=SWIN, img_size=64, out_indices=(0, 1, 2, 3))
    report = checkpoints.load_pretrained(dense, save(state, 'backbone.'))
    assert report.percent == 100
    assert report.complete
    extra = {f'norm{i}.{kind}' for i in range(3) for kind in ('weight', 'bias')}
    assert set(report.new) == extra
    assert report.ignored == ('backbone.mask_token',)
    own = sum(p.numel() for n, p in dense.named_parameters() if n not in extra)
    assert report.parameters == report.loaded_parameters == own


def test_norms_are_missing_if_the_file_has_none(save):
    state = {n: t for n, t in scrambled(SwinTransformer(arch=SWIN, img_size=64)).items()
             if not n.startswith('norm')}  # fmt: skip
    with pytest.raises(ValueError, match=r'missing .*norm3.weight'):
        checkpoints.load_pretrained(
            SwinTransformer(arch=SWIN, img_size=64), save(state)
        )


def test_position_embeddings_are_fitted_to_another_image_size(save):
    arch = dict(embed_dims=8, num_layers=1, num_heads=2, feedforward_channels=8)
    small = VisionTransformer(arch=arch, img_size=32, patch_size=8)
    large = VisionTransformer(arch=arch, img_size=64, patch_size=8)
    report = checkpoints.load_pretrained(large, save(small.state_dict(), 'backbone.'))
    assert report.percent == 100
    assert report.adapted == ('pos_embed',)
    assert large.pos_embed.shape[1] == 1 + 8 * 8


def test_the_report_tells_all_names_as_json(save):
    state = scrambled(resnet())
    report = checkpoints.load_pretrained(resnet(), save(state, queue=torch.zeros(2)),
                                         allow_partial=True)  # fmt: skip
    content = report.to_dict()
    assert content['loaded'] == list(state)
    assert content['loaded_tensors'] == 120
    assert content['unexpected'] == ['queue']
    assert content['percent'] == 100.0
