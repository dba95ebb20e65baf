"""Graphs compute what the backbone computes, or are not written."""

import json

import official
import pytest
import torch
from mmpretrain.models import ResNet
from torch.testing import assert_close

from rsp import checkpoints
from rsp.checkpoints import load_backbone
from rsp.checkpoints.exporting import graph
from rsp.cli import main
from rsp.errors import UserError


def small_resnet():
    network = official.narrow_resnet()
    return network, dict(type='ResNet', depth=18, strides=(1, 2, 2, 1))


def small_vit():
    return official.vit(official.VIT | dict(num_heads=8)), dict(
        type='VisionTransformer', arch=official.VIT | dict(num_heads=8)
    )


@pytest.fixture(params=[small_resnet, small_vit], ids=['resnet', 'vit'])
def source(request, tmp_path):
    network, backbone = request.param()
    file = tmp_path / 'source.pth'
    meta = dict(cfg=f"model = dict(type='rsp.GeRSP', backbone={backbone})")
    state = {f'backbone.{n}': t for n, t in network.state_dict().items()}
    torch.save(dict(state_dict=state, meta=meta), file)
    return file


def expected_maps(file, images):
    with torch.no_grad():
        return load_backbone(file)(images)


def test_a_torch_program_computes_the_same_for_any_number(source, tmp_path):
    out = tmp_path / 'out.pt2'
    meta = checkpoints.export_graph(source, out, 'pt2', image_size=32)
    assert meta['difference'] <= graph.TOLERANCE
    assert meta['inputs'] == dict(images=('N', 3, 32, 32))
    extra = {'card.json': ''}
    program = torch.export.load(out, extra_files=extra).module()
    assert json.loads(extra['card.json'])['method'] == 'rsp.GeRSP'
    for count in (1, 5):
        images = torch.randn(count, 3, 32, 32)
        for here, there in zip(
            expected_maps(source, images), program(images), strict=True
        ):
            assert_close(there, here)


def test_an_onnx_graph_computes_the_same_in_onnxruntime(source, tmp_path):
    onnx = pytest.importorskip('onnx', reason="needs the 'onnx' extra")
    runtime = pytest.importorskip('onnxruntime', reason="needs the 'onnx' extra")
    pytest.importorskip('onnxscript', reason="needs the 'onnx' extra")
    out = tmp_path / 'out.onnx'
    meta = checkpoints.export_graph(source, out, 'onnx', image_size=32)
    assert meta['difference'] <= graph.TOLERANCE
    model = onnx.load(out)
    onnx.checker.check_model(model, full_check=True)
    assert [o.version for o in model.opset_import if o.domain == ''] == [graph.OPSET]
    notes = {entry.key: entry.value for entry in model.metadata_props}
    assert json.loads(notes['card'])['backbone'] == meta['card']['backbone']
    session = runtime.InferenceSession(str(out), providers=['CPUExecutionProvider'])
    assert [o.name for o in session.get_outputs()] == list(meta['outputs'])
    images = torch.randn(3, 3, 32, 32)
    found = session.run(None, {'images': images.numpy()})
    for here, there in zip(expected_maps(source, images), found, strict=True):
        assert_close(torch.from_numpy(there), here, rtol=0,
                     atol=1e-5 * float(here.abs().max()))  # fmt: skip
    assert [p.name for p in tmp_path.iterdir()].count('out.onnx') == 1
    assert not list(tmp_path.glob('*.data'))


def test_a_graph_that_computes_something_else_is_not_written(
    source, tmp_path, monkeypatch
):
    def wrong(program, out, card):
        run, facts = graph._write_program(program, out, card)
        return lambda images: [m * 1.0001 for m in run(images)], facts

    monkeypatch.setitem(graph.WRITERS, 'pt2', wrong)
    with pytest.raises(UserError, match=r'map0 differs by 0\.0001 of its largest'):
        checkpoints.export_graph(source, tmp_path / 'out.pt2', 'pt2', image_size=32)
    assert [p.name for p in tmp_path.iterdir()] == ['source.pth']


def test_the_command_tells_shapes_and_the_difference(capsys, tmp_path):
    file = tmp_path / 'a.pth'
    network = ResNet(18, base_channels=4, stem_channels=4, in_channels=5)
    torch.save(official.randomised(network).state_dict(), file)
    main(
        'checkpoint convert',
        argv=[str(file), str(tmp_path / 'a.pt2'), '--to', 'pt2', '--image-size', '32'],
    )
    said = capsys.readouterr().out
    assert 'images (N, 5, 32, 32) -> map0 (N, 4, 8, 8), map1' in said
    assert 'largest difference' in said
    assert 'guessed, as the file does not tell: strides [1, 2, 2, 2]' in said


@pytest.mark.parametrize('to', ['onnx', 'pt2'])
def test_another_ending_is_refused(tmp_path, to):
    with pytest.raises(UserError, match=rf'expected a file \*\.{to}'):
        checkpoints.export_graph('a.pth', tmp_path / 'a.pth', to)


@pytest.mark.slow
@pytest.mark.parametrize('to', ['pt2', 'onnx'])
def test_a_swin_is_traced_for_one_image(tmp_path, to):
    if to == 'onnx':
        pytest.importorskip('onnxruntime', reason="needs the 'onnx' extra")
    file = tmp_path / 'a.pth'
    torch.save(official.swin().state_dict(), file)
    meta = checkpoints.export_graph(file, tmp_path / f'a.{to}', to)
    assert meta['inputs'] == dict(images=(1, 3, 224, 224))
    assert meta['difference'] <= graph.TOLERANCE
