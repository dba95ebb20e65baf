import json

import official
import pytest
import torch
from mmengine.logging import HistoryBuffer

from rsp import checkpoints
from rsp.checkpoints import card
from rsp.checkpoints.conversion import describe_export
from rsp.checkpoints.reading import safe_tensors
from rsp.engine.pretrained import load_backbone
from rsp.io import configs as config_files

CFG = """
model = dict(
    type='rsp.GeRSP',
    data_preprocessor=dict(mean=[1.0, 2.0, 3.0], std=[4.0, 5.0, 6.0], to_rgb=True))
train_dataloader = dict(dataset=dict(type='rsp.ImageFolder', data_root='data/maid'))
"""


@pytest.fixture
def run(tmp_path):
    content = official.ours(official.narrow_resnet(), official.narrow_resnet(34))
    content['meta'] |= dict(
        cfg=CFG, images=990848, git_commit='abc', versions=dict(a='1')
    )
    buffer = HistoryBuffer([50.0, 60.5], [1, 1])
    content['message_hub'] = dict(
        log_scalars={'val/top1': buffer, 'train/loss': buffer}
    )
    torch.save(content, tmp_path / 'epoch_3.pth')
    return tmp_path / 'epoch_3.pth'


@pytest.mark.parametrize('ending', ['.pth', '.safetensors'])
def test_a_card_tells_where_the_weights_come_from(tmp_path, run, ending):
    out = tmp_path / f'out{ending}'
    checkpoints.export_backbone(run, out, license='CC-BY-4.0')
    found = checkpoints.read(out)['meta']['card']
    digests = found.pop('digests')
    assert len(digests) == 120
    expected = dict(
        method='rsp.GeRSP',
        architecture='ResNet-18',
        branch='student',
        data=dict(
            description=dict(type='rsp.ImageFolder', data_root='data/maid'),
            images=990848,
        ),
        normalization=dict(mean=[1.0, 2.0, 3.0], std=[4.0, 5.0, 6.0], to_rgb=True),
        bands=['red', 'green', 'blue'],
        license='CC-BY-4.0',
        metrics={'val/top1': 60.5},
        git_commit='abc',
        versions=dict(a='1'),
    )
    assert {key: found[key] for key in expected} == expected
    assert len(found['recipe_hash']) == 64
    json.dumps(found)
    assert checkpoints.load_pretrained(official.narrow_resnet(), out).card['bands']


@pytest.mark.parametrize(
    ('format', 'mean'), [('gersp', 123.675), ('cmid', 86.18235), ('geokr', 0.0)]
)
def test_official_files_tell_their_pixels_without_a_card(tmp_path, format, mean):
    model = official.narrow_resnet()
    torch.save(getattr(official, format)(model, model), tmp_path / 'a.pth')
    report = checkpoints.load_pretrained(official.narrow_resnet(), tmp_path / 'a.pth')
    assert report.card['normalization']['mean'][0] == mean
    assert report.card['bands'] == ['red', 'green', 'blue']
    out = tmp_path / 'out.pth'
    found = checkpoints.export_backbone(tmp_path / 'a.pth', out)['card']
    assert found['normalization'] == report.card['normalization']
    assert found['method'].startswith('official')


def test_other_pixels_are_told():
    papers = dict(
        normalization=dict(mean=[86.2, 91.9, 85.4], std=[34.7, 34.5, 35.9]),
        bands=['red', 'green', 'blue'],
    )
    same = card.differences(papers, [86.18, 91.93, 85.37], [34.65, 34.48, 35.88])
    assert same == []
    differing = card.differences(
        papers, [123.675, 116.28, 103.53], None, ['nir', 'red', 'green']
    )
    assert differing == [
        'normalization: mean [86.2, 91.9, 85.4] in pre-training, '
        '[123.7, 116.3, 103.5] here',
        'normalization: std [34.7, 34.5, 35.9] in pre-training, none here',
        "bands: ['red', 'green', 'blue'] in pre-training, ['nir', 'red', 'green'] here",
    ]
    assert card.differences({}, None, None) == []


@pytest.mark.parametrize('dtype', ['float16', 'bfloat16', 'float64', 'int64', 'bool'])
def test_safetensors_come_back(tmp_path, dtype):
    tensors = dict(
        a=torch.arange(6).reshape(2, 3).to(getattr(torch, dtype)),
        scalar=torch.tensor(3.5),
        empty=torch.zeros(0, 4),
        odd=torch.arange(3, dtype=torch.uint8),
    )
    file = tmp_path / 'a.safetensors'
    safe_tensors.write_safetensors(file, tensors, dict(who='ü'))
    found, metadata = safe_tensors.read_safetensors(file)
    assert metadata == dict(who='ü')
    assert found.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert found[name].dtype == tensor.dtype
        assert torch.equal(found[name], tensor)


def test_safetensors_are_those_of_the_reference(tmp_path):
    reference = pytest.importorskip('safetensors.torch')
    tensors = dict(a=torch.randn(3, 4), b=torch.arange(5), c=torch.tensor(1.5).half())
    ours, theirs = tmp_path / 'ours', tmp_path / 'theirs'
    safe_tensors.write_safetensors(ours, tensors, dict(format='pt'))
    reference.save_file(tensors, theirs, dict(format='pt'))
    for found in (reference.load_file(ours), safe_tensors.read_safetensors(theirs)[0]):
        assert found.keys() == tensors.keys()
        for name, tensor in tensors.items():
            assert torch.equal(found[name], tensor)


@pytest.mark.parametrize(
    ('damage', 'words'),
    [
        (lambda content: content[:-4], 'not fully covered'),
        (lambda content: content[:30], 'invalid header length'),
        (lambda content: content.replace(b'F32', b'F99'), 'F99'),
        (lambda content: content.replace(b'[9,9]', b'[9,8]'), 'invalid shape'),
        (lambda content: content.replace(b'[0,', b'[9,'), 'invalid offset'),
        (lambda content: bytes(7) + b'\xff' + content[8:], 'no checkpoint'),
    ],
    ids=['tail', 'header', 'dtype', 'shape', 'offset', 'length'],
)
def test_a_damaged_safetensors_file_is_told_in_one_line(tmp_path, damage, words):
    file = tmp_path / 'a.safetensors'
    safe_tensors.write_safetensors(file, dict(a=torch.zeros(9, 9)), {})
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(ValueError, match=rf'a.safetensors. is .*{words}') as refusal:
        checkpoints.read(file)
    assert len(str(refusal.value).splitlines()) == 1


def test_safetensors_without_a_card_load_and_say_nothing(tmp_path):
    model, file = official.narrow_resnet(), tmp_path / 'a.safetensors'
    safe_tensors.write_safetensors(file, model.state_dict(), {})
    report = checkpoints.load_pretrained(official.narrow_resnet(34), file,
                                         allow_partial=True)  # fmt: skip
    assert report.card == {}
    assert checkpoints.load_pretrained(official.narrow_resnet(), file).percent == 100
    safe_tensors.write_safetensors(file, model.state_dict(), dict(card='no {'))
    with pytest.raises(
        ValueError, match=r"card of .*a.safetensors. to be JSON, got 'no"
    ):
        checkpoints.read(file)


def test_a_file_of_an_optimizer_is_told(tmp_path):
    model = official.narrow_resnet()
    optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)
    torch.save(optimizer.state_dict(), tmp_path / 'a.pth')
    with pytest.raises(ValueError, match='state of an optimizer without the model'):
        checkpoints.inspect(tmp_path / 'a.pth')


def test_a_zip_of_something_else_is_told(tmp_path):
    import zipfile

    with zipfile.ZipFile(tmp_path / 'a.pth', 'w') as archive:
        archive.writestr('readme.txt', 'hello')
    with pytest.raises(ValueError, match=r'a.pth. is cut off or no checkpoint'):
        checkpoints.inspect(tmp_path / 'a.pth')


def test_a_released_file_is_found_by_name_or_told_where_from(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match=r'download it from https://.*GeRSP'):
        checkpoints.load_backbone('gersp_r50_200e')
    (tmp_path / 'checkpoints').mkdir()
    model = official.narrow_resnet()
    torch.save(official.moco(model, model), 'checkpoints/gersp_r50_200e.pth')
    network = checkpoints.load_backbone('gersp_r50_200e', out_indices=(3,))
    assert torch.equal(network.conv1.weight, model.conv1.weight)
    assert not network.training


def test_the_zoo_is_the_same_in_code_docs_and_metafiles():
    import yaml

    from rsp.checkpoints.reading.zoo import WEIGHTS

    root = config_files.config_folder().parent
    lines = (root / 'docs/backbones.md').read_text().splitlines()
    rows = {line.split('`')[1]: line for line in lines if line.startswith('| `')}
    assert WEIGHTS.keys() <= rows.keys()
    for name, weights in WEIGHTS.items():
        assert weights.page in rows[name]
        assert weights.architecture in rows[name]
    told = {}
    for method in ('gersp', 'cmid'):
        content = yaml.safe_load((root / f'configs/{method}/metafile.yml').read_text())
        for model in content['Models']:
            if found := model['Metadata'].get('Released Weights'):
                told[found['Name']] = found
    assert told.keys() == WEIGHTS.keys()
    for name, found in told.items():
        assert (found['Page'], found['License']) == (
            WEIGHTS[name].page,
            WEIGHTS[name].license,
        )


def test_a_training_warns_of_other_pixels(tmp_path, monkeypatch):
    from mmengine.config import Config
    from mmengine.registry import RUNNERS

    model, file = official.narrow_resnet(), tmp_path / 'cmid.pth'
    torch.save(official.cmid(model, model), file)
    backbone = dict(type='ResNet', depth=18, base_channels=4, stem_channels=4)
    cfg = Config(
        dict(
            default_scope='mmpretrain',
            work_dir=str(tmp_path),
            log_level='ERROR',
            model=dict(type='ImageClassifier', backbone=backbone),
            data_preprocessor=dict(
                mean=[123.675, 116.28, 103.53], std=[34.7, 34.5, 35.9]
            ),
            checkpoint=str(file),
        )
    )
    runner = RUNNERS.get('rsp.PortableRunner').from_cfg(cfg)
    said = []
    monkeypatch.setattr(runner.logger, 'warning', said.append)
    load_backbone(runner, str(file))
    (warning,) = [text for text in said if 'other pixels' in text]
    assert 'mean [86.2, 91.9, 85.4] in pre-training, [123.7, 116.3, 103.5] here' in (
        warning
    )


def test_timm_and_torchvision_are_imported_when_needed_only():
    import ast
    from pathlib import Path

    for file in Path(checkpoints.__file__).parent.rglob('*.py'):
        for node in ast.parse(file.read_text()).body:
            names = [alias.name for alias in getattr(node, 'names', [])]
            names.append(getattr(node, 'module', None) or '')
            tops = {name.split('.')[0] for name in names}
            assert not tops & {'timm', 'torchvision', 'safetensors'}, file.name


@pytest.mark.parametrize('ending', ['.pth', '.safetensors'])
def test_an_export_of_an_earlier_version_keeps_its_card(tmp_path, run, ending):
    """They say part, licence and normalisation."""
    old = tmp_path / 'old.pth'
    checkpoints.export_backbone(run, old, license='CC0')
    content = checkpoints.read(old)
    former = dict(branch='part', normalization='normalisation', license='licence')
    for notes in (content['meta'], content['meta']['card']):
        for key in former.keys() & notes.keys():
            notes[former[key]] = notes.pop(key)
    torch.save(content, old)
    found = card.find_card(checkpoints.Checkpoint.load(old))
    assert found['normalization']['mean'] == [1.0, 2.0, 3.0]
    meta = checkpoints.export_backbone(old, tmp_path / f'new{ending}')
    assert 'of the student in epoch_3.pth' in describe_export('new', meta)
    assert meta['card']['license'] == 'CC0'


@pytest.mark.parametrize(
    ('dataset', 'bands'),
    [
        ("bands=['nir', 'red', 'green']", ['nir', 'red', 'green']),
        ("bands=dict(names=['B8A', 'B04', 'B03'])", ['B8A', 'B04', 'B03']),
        ("sources=dict(remote=dict(bands=['nir', 'red', 'green']))",
         ['nir', 'red', 'green']),
        # Numbers tell no names.
        ('bands=[4, 3, 2]', ['red', 'green', 'blue']),
    ],
)  # fmt: skip
def test_a_card_names_the_bands_of_the_data_set(run, dataset, bands):
    content = torch.load(run, weights_only=False)
    content['meta']['cfg'] = CFG.replace("type='rsp.ImageFolder'", dataset)
    torch.save(content, run)
    checkpoints.export_backbone(run, run.with_name('out.pth'))
    found = checkpoints.read(run.with_name('out.pth'))['meta']['card']
    assert found['bands'] == bands
