"""Load CMID's students of real size into plain backbones, exactly."""

import pytest
import torch
from mmpretrain.models import ResNet, SwinTransformer, VisionTransformer
from torch.testing import assert_close

from rsp import checkpoints
from rsp.models.backbones import (
    MaskedResNet,
    MaskedSwinTransformer,
    MaskedVisionTransformer,
)

PAIRS = [
    (MaskedResNet, ResNet, dict(depth=50)),
    (MaskedSwinTransformer, SwinTransformer, dict(arch='base')),
    (MaskedVisionTransformer, VisionTransformer, dict(arch='base')),
]


@pytest.mark.slow
@pytest.mark.parametrize(('masked', 'plain', 'arguments'), PAIRS)
def test_converted_and_source_give_the_same_maps(tmp_path, masked, plain, arguments):
    student, teacher = masked(**arguments), masked(**arguments)
    state = {f'backbone.{n}': t for n, t in student.state_dict().items()}
    teachers = teacher.state_dict()
    del teachers['mask_token']
    state |= {f'teacher.module.backbone.{n}': t for n, t in teachers.items()}
    torch.save(dict(state_dict=state, meta={}), tmp_path / 'run.pth')

    image = torch.randn(1, 3, 224, 224)
    kind = dict(out_type='featmap') if plain is VisionTransformer else {}
    maps = {}
    for branch, source in (('student', student), ('teacher', teacher)):
        model = plain(**arguments, **kind)
        out = tmp_path / f'{branch}.pth'
        checkpoints.export_backbone(tmp_path / 'run.pth', out, branch)
        report = checkpoints.load_pretrained(model, out)
        assert report.percent == 100
        assert report.complete
        # mmpretrain's backbones return nothing from eval().
        model.eval()
        source.eval()
        with torch.no_grad():
            maps[branch] = model(image)[-1]
            expected = source(image)[-1]
        assert_close(maps[branch], expected, rtol=0, atol=1e-5)
    assert not torch.allclose(maps['student'], maps['teacher'], atol=1e-3)
