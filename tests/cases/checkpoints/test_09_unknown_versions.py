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


def swin_v2_of_torchvision():
    from torchvision.models.swin_transformer import (
        PatchMergingV2,
        SwinTransformer,
        SwinTransformerBlockV2,
    )

    network = SwinTransformer(
        [4, 4],
        24,
        [2, 2, 2, 2],
        [1, 2, 4, 8],
        [4, 4],
        block=SwinTransformerBlockV2,
        downsample_layer=PatchMergingV2,
    )
    return network.state_dict()


def vit_with_registers_of_its_own():
    vit = pytest.importorskip('timm.models.vision_transformer')
    network = vit.VisionTransformer(
        img_size=32, patch_size=16, embed_dim=48, depth=2, num_heads=3, num_classes=0
    )
    return network.state_dict() | {'blocks.0.attn.relative_gate': torch.ones(3)}


NETWORKS = [
    swin_v2_of_timm,
    swin_v2_of_torchvision,
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
    torch.save(swin_v2_of_timm(), file)
    found = inspect(file)
    (branch,) = found.branches.values()
    assert branch['architecture'].startswith('unknown, with layers.0.blocks.0.attn.')
    assert any('logit_scale' in name for name in branch['unknown'])
    assert 'Swin with' not in str(found)


def test_the_mm_version_keeps_its_names_but_gets_no_others(tmp_path):
    arch = dict(embed_dims=24, depths=[2, 2, 2, 2], num_heads=[1, 2, 4, 8],
                extra_norm_every_n_blocks=0)  # fmt: skip
    network = SwinTransformerV2(arch, img_size=128, window_size=4)
    file, out = tmp_path / 'v2.pth', tmp_path / 'out.pth'
    state = {f'backbone.{n}': t for n, t in network.state_dict().items()}
    torch.save(dict(state_dict=state), file)
    export_backbone(file, out, to='mmpretrain')
    kept = torch.load(out)['state_dict']
    assert all(torch.equal(kept[name], state[name]) for name in kept)
    assert any('logit_scale' in name for name in kept)
    with pytest.raises(UserError, match='not converted in part'):
        export_backbone(file, out, to='timm')
