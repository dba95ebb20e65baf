"""Input that gave a traceback, or a number of no meaning, ends in one line."""

import numpy as np
import pytest
import torch
from PIL import Image

from rsp.cli import main
from rsp.errors import UserError
from rsp.evaluation.analysis.backbones import load_encoders
from rsp.evaluation.analysis.images import open_images


def refused(*words, said, capsys=None):
    with pytest.raises(SystemExit, match=said if capsys is None else None) as ended:
        main('analyze', argv=[str(word) for word in words])
    if capsys is not None:
        assert said in capsys.readouterr().err
    assert '\n' not in str(ended.value)


@pytest.mark.parametrize('what', ['cam', 'neighbors', 'correspondence', 'embed'])
def test_features_that_are_not_numbers(what, write_backbone, write_images):
    file = write_backbone()
    content = torch.load(file, weights_only=True)
    name = next(n for n in content['state_dict'] if n.endswith('layer3.0.conv1.weight'))
    content['state_dict'][name][0] = torch.nan
    torch.save(content, file)
    folder = write_images('plain', [f'{i}.png' for i in range(7)], (64, 64))
    refused(what, file, '--data', folder, said='at stage3 hold NaN or infinity')


@pytest.mark.parametrize('what', ['neighbors', 'gap'])
def test_features_that_are_the_same_for_all(what, write_backbone, tmp_path):
    for number in range(7):
        pixels = np.full((32, 32, 3), 90, np.uint8)
        Image.fromarray(pixels).save(tmp_path / f'{number}.png')
    words = ['--photos', tmp_path] if what == 'gap' else []
    refused(what, write_backbone(), '--data', tmp_path, *words,
            said='are the same for all 7 images: its training collapsed')  # fmt: skip


def test_a_folder_of_training_images_alone(write_images, tmp_path):
    folder = write_images('set', ['train/a/0.png', 'train/b/0.png'])
    with pytest.raises(UserError, match=r"'val' or 'test' beside 'train' in '.*set'"):
        open_images(str(folder))
    assert open_images(str(folder / 'train')).classes == ('a', 'b')


@pytest.mark.parametrize(
    ('what', 'option', 'value'),
    [
        ('cam', '--num-images', '0'),
        ('cam', '--max-scored', '-1'),
        ('cam', '--size', '0'),
        ('neighbors', '--neighbors', '-1'),
        ('embedding', '--max-images', '0'),
        ('correspondence', '--size', '1.5'),
        ('probe', '--seed', '-1'),
        ('sweep', '--seeds', '0'),
    ],
)
def test_counts_that_cannot_be(what, option, value, capsys):
    least = 0 if option == '--seed' else 1
    said = f"argument {option}: expected a whole number from {least}, got '{value}'"
    refused(what, 'any', option, value, said=said, capsys=capsys)


@pytest.mark.parametrize('share', ['0', '-5', '101', 'nan', 'all'])
def test_shares_that_cannot_be(share, capsys):
    said = f"argument --shares: expected above 0 and up to 100, got '{share}'"
    refused('probe', 'any', '--shares', '5', share, said=said, capsys=capsys)


def test_images_smaller_than_a_patch(write_backbone, write_images):
    folder = write_images('small', ['a.png'], (8, 40))
    refused('attention', write_backbone('vit'), '--data', folder,
            said='images of 16 pixels a side at least, .* got 8 x 40')  # fmt: skip


def test_views_without_a_patch_in_common(write_backbone, write_images):
    folder = write_images('two', ['a.png'], (32, 32))
    words = ['--data', folder, '--size', '32', '--stage', '4', '--seed']
    tried = [str(seed) for seed in range(999) if not _share(seed)]
    refused('correspondence', write_backbone(), *words, tried[0],
            said='patches that both views show, got none in 1 images')  # fmt: skip


def _share(seed):
    """Tell whether the second view shows the middle of the first."""
    from rsp.evaluation.analysis.patches.correspondence import draw_views

    one, other = draw_views(np.random.default_rng(seed))
    x, y = other.place(*one.point(np.array([0.5]), np.array([0.5])))
    return 0 <= x[0] < 1 and 0 <= y[0] < 1


@pytest.mark.parametrize('name', ['random:convnext_atto', 'random:convnextv2_atto'])
def test_a_convnext_has_four_stages(name):
    [encoder] = load_encoders([name])
    maps = encoder.maps(torch.randn(1, 3, 64, 96))
    sides = {place: tuple(found.shape[2:]) for place, found in maps.items()}
    strides = dict(stem=4, stage1=4, stage2=8, stage3=16, stage4=32)
    assert sides == {p: (64 // s, 96 // s) for p, s in strides.items()}
    assert {place: encoder.stride(place) for place in maps} == strides
