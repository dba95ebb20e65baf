"""Networks of which parts are unknown are refused whole, never half converted.

Swin V2 has most names of Swin: half were renamed, and the numbers of its patch merging
put in another order, with exit code 0.
"""

import pytest
import torch
from mmpretrain.models import SwinTransformerV2

from rsp.checkpoints import export_backbone, inspect, load_backbone, to_timm
from rsp.checkpoints.conversion import TARGETS
from rsp.errors import UserError

TINY = dict(embed_dim=24, depths=(2, 2, 2, 2), num_heads=(1, 2, 4, 8), num_classes=0)


def swin_v2_of_timm():
    swin = pytest.importorskip('timm.models.swin_transformer_v2')
    return swin.SwinTransformerV2(img_size=128, window_size=4, **TINY).state_dict()


def swin_v2_with_a_part_of_its_own():
    return swin_v2_of_timm() | {'layers.0.blocks.0.attn.gate': torch.ones(1)}


def swin_v2_cr():
    """Another version 2, with most names of the first."""
    swin = pytest.importorskip('timm.models.swin_transformer_v2_cr')
    return swin.SwinTransformerV2Cr(img_size=128, window_size=4, **TINY).state_dict()


def swin_of_two_versions():
    """Blocks of both: half of the names are of each."""
    state = swin_v2_of_timm()
    table = torch.zeros(49, 1)
    return state | {'layers.0.blocks.0.attn.relative_position_bias_table': table}


def vit_with_registers_of_its_own():
    vit = pytest.importorskip('timm.models.vision_transformer')
    network = vit.VisionTransformer(
        img_size=32, patch_size=16, embed_dim=48, depth=2, num_heads=3, num_classes=0
    )
    return network.state_dict() | {'blocks.0.attn.relative_gate': torch.ones(3)}


NETWORKS = [
    swin_v2_with_a_part_of_its_own,
    swin_of_two_versions,
    vit_with_registers_of_its_own,
]


@pytest.mark.parametrize('wrapped', [False, True], ids=['bare', 'moco'])
@pytest.mark.parametrize('make', NETWORKS)
def test_it_is_refused_by_every_way_out(make, wrapped, tmp_path):
    state = make()
    if wrapped:
        state = {f'backbone.{name}': tensor for name, tensor in state.items()}
    file = tmp_path / 'network.pth'
    torch.save(dict(state_dict=state), file)
    for target in TARGETS:
        with pytest.raises(UserError, match=r'not converted in part|no backbone'):
            export_backbone(file, tmp_path / 'out.pth', to=target)
    assert not (tmp_path / 'out.pth').exists()
    for build in (load_backbone, to_timm):
        with pytest.raises(UserError):
            build(file)


def test_what_is_unknown_is_named(tmp_path):
    file = tmp_path / 'v2.pth'
    torch.save(swin_v2_with_a_part_of_its_own(), file)
    found = inspect(file)
    (branch,) = found.branches.values()
    assert branch['architecture'] == 'unknown, with layers.0.blocks.0.attn.gate'
    assert branch['unknown'] == ['layers.0.blocks.0.attn.gate']
    assert 'Swin with' not in str(found)


@pytest.mark.parametrize('part', ['patch_embed.', 'layers.0.blocks.0.'])
def test_a_network_that_lacks_parts_is_told_and_not_built(tmp_path, part):
    state = {n: t for n, t in swin_v2_of_timm().items() if not n.startswith(part)}
    state = {n: t for n, t in state.items() if not n.startswith('layers.0.blocks.1.')}
    torch.save(state, tmp_path / 'a.pth')
    assert 'Swin V2' in str(inspect(tmp_path / 'a.pth'))
    with pytest.raises(UserError, match=r'a whole Swin V2, got one without|not filled'):
        load_backbone(tmp_path / 'a.pth')


def test_another_version_2_is_taken_for_neither(tmp_path):
    torch.save(swin_v2_cr(), tmp_path / 'cr.pth')
    assert 'Swin' not in str(inspect(tmp_path / 'cr.pth'))
    with pytest.raises(UserError, match='no backbone'):
        export_backbone(tmp_path / 'cr.pth', tmp_path / 'out.pth')


def test_version_2_is_a_family_of_its_own(tmp_path):
    """Its norms follow the reduction of patches, and keep their order."""
    file, out = tmp_path / 'v2.pth', tmp_path / 'out.pth'
    state = swin_v2_of_timm()
    for tensor in state.values():
        tensor.normal_()
    torch.save(state, file)
    assert 'Swin V2 with 2-2-2-2 blocks' in str(inspect(file))
    export_backbone(file, out)
    converted = torch.load(out, weights_only=True)['state_dict']
    there = converted['backbone.stages.1.downsample.norm.weight']
    assert torch.equal(there, state['layers.1.downsample.norm.weight'])


def test_the_mm_version_keeps_its_names_but_gets_no_others(tmp_path):
    """Norms of its giant, which no other library has."""
    arch = dict(embed_dims=24, depths=[2, 2, 2, 2], num_heads=[1, 2, 4, 8],
                extra_norm_every_n_blocks=2)  # fmt: skip
    network = SwinTransformerV2(arch, img_size=128, window_size=4)
    file, out = tmp_path / 'v2.pth', tmp_path / 'out.pth'
    state = {f'backbone.{n}': t for n, t in network.state_dict().items()}
    torch.save(dict(state_dict=state), file)
    export_backbone(file, out, to='mmpretrain')
    kept = torch.load(out)['state_dict']
    assert all(torch.equal(kept[name], state[name]) for name in kept)
    assert 'backbone.stages.0.blocks.1.norm3.weight' in kept
    assert load_backbone(out).stages[0].blocks[1].extra_norm
    for library in ('timm', 'torchvision'):
        with pytest.raises(UserError, match=r'without extra norms.*--to mmpretrain'):
            export_backbone(file, tmp_path / 'b.pth', to=library)
