"""Folders for the Hugging Face Hub: timm builds from them, and they travel whole.

The Hub is a server on this machine (`hub_server`).
"""

import json
import os
import subprocess
import sys

import hub_server
import official
import pytest
import torch
from mmpretrain.models import ResNet

from rsp import checkpoints
from rsp.checkpoints import load_backbone, to_timm
from rsp.cli import main
from rsp.errors import MissingData, UserError

timm = pytest.importorskip('timm', reason="needs the 'convert' extra")
pytest.importorskip('huggingface_hub', reason="needs the 'convert' extra")


def bands13():
    return official.randomised(ResNet(18, in_channels=13))


def convnext():
    from mmpretrain.models import ConvNeXt

    arch = dict(depths=[1, 1, 1, 1], channels=[8, 16, 24, 32])
    return official.randomised(ConvNeXt(arch))


def heads():
    """A ViT whose heads no shape tells."""
    return official.vit(official.VIT | dict(num_heads=8))


def dino():
    return official.dinov2(4)


NETWORKS = dict(
    resnet=official.resnet,
    vit=official.vit,
    swin=official.swin,
    bands13=bands13,
    convnext=convnext,
    heads=heads,
    dinov2=dino,
)


def write(network, folder, **meta):
    state = network if isinstance(network, dict) else network.state_dict()
    file = folder / 'source.pth'
    torch.save(dict(state_dict=state, meta=meta), file)
    return file


@pytest.mark.parametrize('kind', NETWORKS)
def test_timm_builds_the_same_network_from_the_folder(tmp_path, kind):
    cfg = ''
    if kind == 'heads':
        arch = official.VIT | dict(num_heads=8)
        cfg = f"model = dict(backbone=dict(type='VisionTransformer', arch={arch}))"
    file = write(NETWORKS[kind](), tmp_path, cfg=cfg)
    folder = tmp_path / 'folder'
    checkpoints.export_hub(file, folder, license='cc-by-nc-4.0')
    assert {p.name for p in folder.iterdir()} == {
        'model.safetensors', 'config.json', 'README.md',
    }  # fmt: skip
    built = timm.create_model(f'local-dir:{folder}', pretrained=True)
    expected = to_timm(file)
    found = built.state_dict()
    for name, tensor in expected.state_dict().items():
        assert torch.equal(found[name], tensor), name
    assert found.keys() == expected.state_dict().keys()
    if kind == 'heads':
        assert built.blocks[0].attn.num_heads == 8
    side = expected.pretrained_cfg['input_size'][-1]
    side = getattr(getattr(expected, 'patch_embed', None), 'img_size', [64])[0] or side
    images = torch.randn(1, 13 if kind == 'bands13' else 3, side, side)
    with torch.no_grad():
        assert torch.equal(built.eval()(images), expected.eval()(images))
    # Ours reads the folder, too.
    again = load_backbone(folder).state_dict()
    there = load_backbone(file).state_dict()
    assert all(torch.equal(again[name], tensor) for name, tensor in there.items())


def test_it_says_what_the_card_says_and_nothing_of_other_weights(tmp_path):
    cfg = (
        "model = dict(type='rsp.CMID', data_preprocessor=dict(mean=[51, 102, 153], "
        'std=[25.5, 51, 51], to_rgb=True))'
    )
    folder = tmp_path / 'folder'
    checkpoints.export_hub(write(official.resnet(), tmp_path, cfg=cfg), folder)
    config = json.loads((folder / 'config.json').read_text())
    assert config['architecture'] == 'resnet18'
    told = config['pretrained_cfg']
    assert told['mean'] == pytest.approx([0.2, 0.4, 0.6])
    assert told['std'] == pytest.approx([0.1, 0.2, 0.2])
    assert (told['tag'], told['license']) == ('rsp', 'unknown')
    assert 'hf_hub_id' not in told
    assert 'url' not in told
    page = (folder / 'README.md').read_text()
    assert '| method | rsp.CMID |' in page
    assert 'license:' not in page


@pytest.fixture
def hub(monkeypatch, tmp_path):
    server = hub_server.Hub()
    monkeypatch.setenv('HF_HOME', str(tmp_path / 'home'))
    yield server
    server.close()


CLIENT = """
import sys, warnings
warnings.simplefilter('ignore')
import rsp
import timm, torch
from rsp.checkpoints import load_backbone, push
folder, out = sys.argv[1:]
print(push(folder, 'you/tiny'))
network = timm.create_model('hf_hub:you/tiny', pretrained=True)
torch.save(network.state_dict(), out + '/timm.pth')
torch.save(load_backbone('hf_hub:you/tiny').state_dict(), out + '/mm.pth')
"""


def run(hub, code, *arguments, **more):
    """Run a process of its own: huggingface_hub reads its address when imported."""
    quiet = dict.fromkeys(
        ('HF_HUB_DISABLE_XET', 'HF_HUB_DISABLE_TELEMETRY',
         'HF_HUB_DISABLE_PROGRESS_BARS'), '1',
    ) | dict(NO_PROXY='127.0.0.1', no_proxy='127.0.0.1')  # fmt: skip
    done = subprocess.run(
        [sys.executable, '-c', code, *map(str, arguments)],
        env=os.environ | quiet | dict(HF_ENDPOINT=hub.address) | more,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done


def test_a_folder_is_pushed_and_loaded_by_timm_and_by_us(hub, tmp_path):
    file, folder = write(official.vit(), tmp_path), tmp_path / 'folder'
    checkpoints.export_hub(file, folder)
    (folder / 'secret.txt').write_text('stays here')
    done = run(hub, CLIENT, folder, tmp_path, HF_TOKEN='hf_token')
    assert done.returncode == 0, done.stderr[-3000:]
    assert f'{hub.address}/you/tiny/commit/{hub_server.COMMIT}' in done.stdout
    names = ('model.safetensors', 'config.json', 'README.md')
    assert set(names) <= hub.repos['you/tiny'].keys()
    assert 'secret.txt' not in hub.repos['you/tiny']
    for name in names:
        assert hub.repos['you/tiny'][name] == (folder / name).read_bytes()
    assert {who for _, who in hub.asked if who} == {'Bearer hf_token'}
    for name, expected in (('timm', to_timm(file)), ('mm', load_backbone(file))):
        found = torch.load(tmp_path / f'{name}.pth', weights_only=True)
        assert found.keys() == expected.state_dict().keys()
        for key, tensor in expected.state_dict().items():
            assert torch.equal(found[key], tensor), key


REFUSED = """
import sys, warnings
warnings.simplefilter('ignore')
import rsp
from rsp.checkpoints import load_backbone, push
for repo in ('you/tiny', 'you/ti ny'):
    try:
        push(sys.argv[1], repo)
    except rsp.errors.UserError as error:
        print(error)
for name in ('hf_hub:you/none', 'hf_hub:you/no ne'):
    try:
        load_backbone(name)
    except rsp.errors.UserError as error:
        print(error)
"""


def test_what_the_hub_refuses_ends_in_one_line(hub, tmp_path):
    folder = tmp_path / 'folder'
    checkpoints.export_hub(write(official.vit(), tmp_path), folder)
    done = run(hub, REFUSED, folder, HF_TOKEN='')
    assert done.returncode == 0, done.stderr[-3000:]
    lines = done.stdout.splitlines()
    assert len(lines) == 4, done.stdout
    assert "the Hub refused 'you/tiny'" in lines[0]
    assert '401' in lines[0]
    assert 'log in by hf auth login' in lines[0]
    assert lines[1] == "expected a name like you/gersp-r50, got 'you/ti ny'."
    assert "cannot download model.safetensors of 'you/none' from the Hub" in lines[2]
    assert lines[3] == "expected hf_hub:you/name, got 'you/no ne'."


def test_what_is_no_folder_of_ours_is_refused(tmp_path):
    (tmp_path / 'model.safetensors').write_bytes(b'')
    with pytest.raises(MissingData, match=r'expected config.json, README.md in .*--to'):
        checkpoints.push(tmp_path, 'you/tiny')
    with pytest.raises(UserError, match='expected a folder to write, got the file'):
        checkpoints.export_hub('a.pth', tmp_path / 'model.safetensors')


def test_a_network_that_timm_lacks_is_refused(tmp_path):
    from rsp.models.backbones import VGG

    file = write(VGG(11), tmp_path)
    with pytest.raises(UserError, match='timm'):
        checkpoints.export_hub(file, tmp_path / 'folder')
    assert not (tmp_path / 'folder').exists()


def test_the_command_writes_a_folder(capsys, tmp_path):
    file = write(official.vit(), tmp_path)
    main('checkpoint convert', argv=[str(file), str(tmp_path / 'out'), '--to', 'hub'])
    assert 'ViT with 2 blocks of the student' in capsys.readouterr().out
    assert (tmp_path / 'out' / 'config.json').is_file()
