"""Swin transformers V2 of every library compute the same, and are no V1."""

import official
import pytest
import torch
from mmpretrain.models import SwinTransformerV2
from torch.testing import assert_close

from rsp import checkpoints
from rsp.checkpoints import load_backbone, to_timm, to_torchvision
from rsp.checkpoints.checkpoint import take_backbone
from rsp.checkpoints.families.swin_v2 import SwinV2
from rsp.errors import UserError

DEPTHS, HEADS, WINDOW = [1, 2, 1, 1], [1, 2, 4, 8], 4


def spread(network):
    """Draw all numbers, but for the tables that follow from the window."""
    tables = {n: t.clone() for n, t in network.state_dict().items() if 'coords' in n}
    official.randomised(network)
    state = network.state_dict()
    for name, table in tables.items():
        state[name].copy_(table)
    return network


def mm(**settings):
    arch = dict(embed_dims=16, depths=DEPTHS, num_heads=HEADS,
                extra_norm_every_n_blocks=0)  # fmt: skip
    given = dict(img_size=128, window_size=WINDOW, drop_path_rate=0.0) | settings
    return spread(SwinTransformerV2(arch, **given))


def timm():
    swin = pytest.importorskip('timm.models.swin_transformer_v2')
    return spread(swin.SwinTransformerV2(
        img_size=128, window_size=WINDOW, embed_dim=16, depths=DEPTHS,
        num_heads=HEADS, num_classes=5))  # fmt: skip


def torchvision():
    from torchvision.models import swin_transformer as swin

    network = spread(swin.SwinTransformer(
        [4, 4], 16, DEPTHS, HEADS, [WINDOW] * 2, block=swin.SwinTransformerBlockV2,
        downsample_layer=swin.PatchMergingV2, num_classes=5))  # fmt: skip
    for name, tensor in network.state_dict().items():
        if name.endswith('qkv.bias'):
            # Its own forward holds the keys' part at zero.
            tensor.chunk(3)[1].zero_()
    return network


def images():
    return torch.randn(1, 3, 128, 128, generator=torch.Generator().manual_seed(0))


def save(network, file, **config):
    meta = dict(cfg=f'model = dict(backbone={config})') if config else {}
    torch.save(dict(state_dict=network.state_dict(), meta=meta), file)
    return file


def near(found, expected):
    assert_close(found, expected, rtol=0, atol=float(1e-5 * expected.abs().max()))


def test_a_file_of_timm_computes_the_same(tmp_path):
    """No tensor of timm tells the window: the config, or a card, has to."""
    network = timm()
    file = save(network, tmp_path / 'a.pth', window_size=WINDOW)
    with torch.no_grad():
        expected = network.forward_features(images()).permute(0, 3, 1, 2)
        near(load_backbone(file)(images())[-1], expected)
        near(to_timm(file)(images()), expected.mean((2, 3)))
    bare = save(network, tmp_path / 'b.pth')
    assert 'guessed   window_size [8, 8, 8, 8]' in str(checkpoints.inspect(bare))


def test_a_file_of_torchvision_computes_the_same(tmp_path):
    network = torchvision()
    file = save(network, tmp_path / 'a.pth')
    with torch.no_grad():
        expected = network.norm(network.features(images())).permute(0, 3, 1, 2)
        near(load_backbone(file)(images())[-1], expected)
        near(to_torchvision(file)(images()), expected.mean((2, 3)))


@pytest.mark.parametrize('library', ['timm', 'torchvision'])
def test_there_and_back_gives_every_number(library):
    state = mm().state_dict()
    there = take_backbone(state).for_library(library)
    own = dict(timm=timm, torchvision=torchvision)[library]().state_dict()
    assert {n: t.shape for n, t in there.items()} == {
        n: t.shape for n, t in own.items() if not n.startswith('head.')
    }
    taken = take_backbone(there)
    assert (taken.family.name, taken.library) == ('Swin V2', library)
    for name, tensor in state.items():
        if name in taken.tensors:
            assert torch.equal(taken.tensors[name], tensor), name
    left = state.keys() - taken.tensors.keys()
    assert all(name.endswith(('coords_table', 'position_index')) for name in left)
    assert left if library == 'timm' else not left


def test_a_file_of_the_first_authors_is_renamed_whole():
    """microsoft/Swin-Transformer: patch merging is part of the stage before it."""
    state = mm().state_dict()
    theirs = SwinV2().mapping_for('first authors').from_mm(state)
    assert 'layers.0.downsample.reduction.weight' in theirs
    theirs |= {'layers.0.blocks.1.attn_mask': torch.zeros(4, 16, 16),
               'head.weight': torch.ones(5, 128)}  # fmt: skip
    taken = take_backbone(theirs)
    assert taken.library == 'first authors'
    assert taken.architecture == 'Swin V2 with 1-2-1-1 blocks'
    assert taken.tensors.keys() == state.keys()
    assert all(torch.equal(taken.tensors[name], t) for name, t in state.items())


def test_a_table_tells_the_window_and_that_of_the_pre_training(tmp_path):
    network = mm(pretrained_window_sizes=[3, 3, 3, 2])
    config = take_backbone(network.state_dict()).config()
    assert config['window_size'] == [WINDOW] * 4
    assert config['pretrained_window_sizes'] == [3, 3, 3, 2]
    with torch.no_grad():
        found = load_backbone(save(network, tmp_path / 'a.pth'))(images())[-1]
        near(found, network(images())[-1])


def test_verify_compares_all_blocks(tmp_path):
    file, out = save(mm(), tmp_path / 'a.pth'), tmp_path / 'b.pth'
    checkpoints.export_backbone(file, out, to='torchvision')
    result = checkpoints.verify(out, torchvision(), file)
    assert result.passed, str(result)
    assert result.maps == sum(DEPTHS) + 1


def test_windows_that_differ_by_stage_stay_in_mmpretrain(tmp_path):
    file = save(mm(window_size=[4, 4, 4, 2]), tmp_path / 'a.pth')
    assert load_backbone(file).stages[3].blocks[0].attn.w_msa.window_size == (2, 2)
    pytest.importorskip('timm')
    for build in (to_timm, to_torchvision):
        with pytest.raises(UserError, match=r'one window for .* \[4, 4, 4, 2\]'):
            build(file)
