"""rsp analyze cam: on the object, aligned, repeatable."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rsp.cli import main
from rsp.errors import UserError
from rsp.evaluation.analysis.backbones import load_encoders
from rsp.evaluation.analysis.cam import enlarge, feature_target, saliency_of
from rsp.evaluation.analysis.images import open_images


def test_positions_lie_over_their_own_pixels():
    saliency = np.zeros((2, 3), np.float32)
    saliency[1, 2] = 1
    big = enlarge(saliency, 4, (7, 11))  # the last positions are cut
    assert big.shape == (7, 11)
    assert np.unravel_index(big.argmax(), big.shape) == (6, 10)
    assert enlarge(saliency, 4, (9, 14)).shape == (9, 14)  # a border without position


@pytest.mark.parametrize('kind', ['resnet', 'swin', 'vit'])
@pytest.mark.parametrize('target', [feature_target, None])
def test_maps_have_the_size_of_the_image(kind, target, write_backbone):
    [encoder] = load_encoders([write_backbone(kind)])
    pixels = np.random.default_rng(0).integers(256, size=(64, 96, 3), dtype=np.uint8)
    saliency = saliency_of(encoder, pixels, target=target)
    assert saliency.shape == (64, 96)
    assert (saliency >= 0).all()
    assert saliency.any()


def test_the_map_of_the_feature_is_the_dot_product_with_the_mean(write_backbone):
    [encoder] = load_encoders([write_backbone()])
    pixels = np.random.default_rng(0).integers(256, size=(64, 96, 3), dtype=np.uint8)
    maps = encoder.maps(encoder.prepare([pixels]))['stage4'][0]
    expected = (maps * maps.mean(dim=(1, 2), keepdim=True)).sum(dim=0) / maps[0].numel()
    found = saliency_of(encoder, pixels, target=feature_target)
    # In the middle of a position nothing is interpolated but between two pixels.
    np.testing.assert_allclose(found[15::32, 15::32], expected, rtol=0.1)


def test_pictures_and_numbers_repeat(write_backbone, write_classes, tmp_path):
    line = [
        'cam', write_backbone(), write_backbone('vit'), '--data', write_classes(),
        '--num-images', '2', '--out',
    ]  # fmt: skip
    for out in ('a', 'b'):
        main('analyze', argv=[*line, str(tmp_path / out)])
    first, second = (
        [(tmp_path / out / name).read_bytes() for name in ('cam.json', 'cam.png')]
        for out in ('a', 'b')
    )
    assert first == second
    found = json.loads(first[0])
    assert found['target'] == 'probe'
    assert [one['name'] for one in found['backbones']] == ['resnet', 'vit']


def test_maps_are_scored_where_a_config_has_masks(write_backbone, tmp_path):
    rng = np.random.default_rng(0)
    for number in range(3):
        for folder, pixels in (
            ('img', rng.integers(256, size=(64, 96, 3), dtype=np.uint8)),
            ('ann', np.pad(np.ones((16, 96), np.uint8), ((0, 48), (0, 0)))),
        ):
            file = tmp_path / folder / f'{number}.png'
            file.parent.mkdir(exist_ok=True)
            Image.fromarray(pixels).save(file)
    config = tmp_path / 'masks.py'
    config.write_text(f"""
default_scope = 'mmseg'
custom_imports = dict(imports=['rsp'])
test_dataloader = dict(dataset=dict(
    type='rsp.MaskFolder', img_suffix='.png', data_root='{tmp_path}',
    metainfo=dict(classes=('background', 'roof'), palette=[[0, 0, 0], [9, 9, 9]]),
    data_prefix=dict(img_path='img', seg_map_path='ann'),
    pipeline=[dict(type='LoadImageFromFile'), dict(type='rsp.LoadMaskAnnotations')]))
""")
    line = ['cam', write_backbone(), '--data', str(config), '--out', str(tmp_path)]
    main('analyze', argv=line)
    [found] = json.loads((tmp_path / 'cam.json').read_text())['backbones']
    assert found['area_of_objects'] == 0.25
    assert 0 <= found['energy_inside'] <= 1
    assert len(found['images']) == 3


def test_what_cannot_be_is_refused_in_one_line(write_backbone, write_images, tmp_path):
    folder = str(write_images('plain', ['a.png', 'b.png'], (32, 32)))
    with pytest.raises(SystemExit, match='expected images with classes'):
        main('analyze', argv=['cam', write_backbone(), '--data', folder,
                              '--target', 'probe', '--out', str(tmp_path)])  # fmt: skip
    with pytest.raises(SystemExit, match='which does not exist'):
        main('analyze', argv=['cam', write_backbone(), '--data', 'nowhere'])


def test_a_plain_folder_of_masks_tells_where_objects_are(write_images, tmp_path):
    write_images('set/images/a', ['0.png', '1.png'], (20, 30))
    box = np.zeros((20, 30), np.uint8)
    box[4:9, 10:25] = 3
    for number in range(2):
        file = tmp_path / f'set/masks/a/{number}.tif'
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(box * number).save(file)
    images = open_images(str(tmp_path / 'set'))
    assert [Path(path).name for path in images.paths] == ['0.png', '1.png']
    assert not images.inside(0, (20, 30)).any()
    np.testing.assert_array_equal(images.inside(1, (20, 30)), box > 0)
    file.unlink()
    with pytest.raises(UserError, match=r'without a mask: .*1'):
        open_images(str(tmp_path / 'set'))


def test_options_override_the_config_and_are_checked_as_in_training(
    write_backbone, write_images, tmp_path
):
    write_images('here/a', ['0.png', '1.png'], (32, 32))
    write_images('here/b', ['0.png'], (32, 32))
    config = tmp_path / 'data.py'
    config.write_text("""
custom_imports = dict(imports=['rsp'])
test_dataloader = dict(dataset=dict(
    type='rsp.ImageFolder', data_root='nowhere',
    pipeline=[dict(type='LoadImageFromFile')]))
""")
    root = f'test_dataloader.dataset.data_root={tmp_path / "here"}'
    line = ['cam', write_backbone(), '--data', str(config), '--target', 'feature',
            '--out', str(tmp_path), '--cfg-options']  # fmt: skip
    main('analyze', argv=[*line, root])
    found = json.loads((tmp_path / 'cam.json').read_text())
    assert found['cfg_options'] == [root]
    assert found['shown'] == ['a/0.png', 'a/1.png', 'b/0.png']
    for wrong, said in (
        ('test_dataloader.dataset.type.x=1', "has no 'x'"),
        ('test_dataloader.dataset.nosuch=x', "ImageFolder has no 'nosuch'"),
        ('test_dataloader.dataset.test_mode=maybe', 'expected True or False'),
    ):
        with pytest.raises(SystemExit, match=said) as ended:
            main('analyze', argv=[*line, wrong])
        assert '\n' not in str(ended.value)
    line[line.index(str(config))] = str(tmp_path / 'here')
    with pytest.raises(SystemExit, match=r"--data is '.*here'; leave it out"):
        main('analyze', argv=[*line, root])
