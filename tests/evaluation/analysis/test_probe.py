"""rsp analyze probe: scores by stage, and what cannot be probed."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from rsp.cli import main
from rsp.evaluation.analysis.backbones import load_encoders
from rsp.evaluation.analysis.images import open_images
from rsp.evaluation.analysis.probe import pooled_features
from rsp.evaluation.analysis.stages import STAGES


def probe(*words):
    main('analyze', argv=['probe', *words])


@pytest.fixture
def scenes(tmp_path):
    """Images of two classes that brightness tells apart."""
    rng = np.random.default_rng(0)
    for split in ('train', 'val'):
        for name, low in (('dark', 0), ('light', 150)):
            for number in range(12):
                file = tmp_path / 'data' / split / name / f'{number}.png'
                file.parent.mkdir(parents=True, exist_ok=True)
                pixels = rng.integers(low, low + 100, (32, 32, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(file)
    return str(tmp_path / 'data')


def test_brightness_is_told_at_every_stage(write_backbone, scenes, tmp_path):
    probe(write_backbone(), '--data', scenes, '--out', str(tmp_path), '--seeds', '2')
    found = json.loads((tmp_path / 'probe.json').read_text())
    assert (tmp_path / 'probe.png').stat().st_size > 10_000
    [backbone] = found['backbones']
    assert list(backbone['scores']) == list(STAGES)
    assert backbone['scores']['stem']['100']['linear']['mean'] == 100
    shares = backbone['scores']['stage4']
    assert list(shares) == ['1', '5', '10', '25', '100']
    assert shares['25']['images'] == 6
    assert len(shares['25']['knn']['seeds']) == 2
    assert shares['100']['knn']['deviation'] is None


def test_the_protocol_of_torchgeo_bench(write_backbone, scenes, tmp_path):
    words = '--protocol', 'torchgeo-bench', '--out', str(tmp_path)
    probe(write_backbone(), '--data', scenes, *words)
    [backbone] = json.loads((tmp_path / 'probe.json').read_text())['backbones']
    assert backbone['scores']['knn5']['accuracy'] == 100


def test_maps_are_pooled_to_grids_or_to_their_mean(write_backbone, scenes):
    [encoder] = load_encoders([write_backbone()])
    images = open_images(scenes)
    grid = pooled_features(encoder, images, 64, STAGES, mean=False)
    mean = pooled_features(encoder, images, 64, STAGES, mean=True)
    channels = {place: features.shape[1] for place, features in mean.items()}
    sides = dict(stem=12, stage1=6, stage2=4, stage3=3, stage4=2)
    for place, side in sides.items():
        assert grid[place].shape == (24, channels[place] * side**2)
    # At 64 pixels stage 4 has 2 x 2 positions: nothing is lost.
    torch.testing.assert_close(
        grid['stage4'].unflatten(1, (-1, 4)).mean(dim=2), mean['stage4']
    )


@pytest.mark.parametrize(
    ('names', 'said'),
    [
        (['a.png'], 'a probe needs labels'),
        ([f'one/{i}.png' for i in range(4)], "all 4 are of 'one'"),
        (['one/1.png', 'two/2.png'], 'expected two training images of each class'),
        ([f'{c}/{i}.png' for c in 'xy' for i in range(6)], 'at least 20, got 6'),
    ],
)
def test_what_cannot_be_probed_is_told_in_one_line(
    names, said, write_backbone, write_images
):
    folder = str(write_images('few', names, (32, 32)))
    with pytest.raises(SystemExit, match=said) as ended:
        probe(write_backbone(), '--data', folder)
    assert '\n' not in str(ended.value)
