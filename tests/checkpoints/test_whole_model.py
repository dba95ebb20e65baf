import pytest
import torch
from mmpretrain.models import ImageClassifier

from rsp import checkpoints
from rsp.models.heads import SelfDistillationHead


def check_resumable(content, model):
    checkpoints.check_resumable(checkpoints.Checkpoint('a.pth', content), model)


def check_overlap(content, model):
    checkpoints.check_overlap(checkpoints.Checkpoint('a.pth', content), model)


def load_whole_model(model, content):
    return checkpoints.load_whole_model(model, checkpoints.Checkpoint('a.pth', content))


def classifier(depth=18, classes=3, **backbone):
    head = dict(type='LinearClsHead', num_classes=classes, in_channels=32)
    return ImageClassifier(
        backbone=dict(
            type='ResNet', depth=depth, base_channels=4, stem_channels=4, **backbone
        ),
        neck=dict(type='GlobalAveragePooling'),
        head=head if classes else None,
    )


@pytest.fixture
def trained():
    model = classifier()
    return dict(
        state_dict=dict(model.state_dict()),
        meta=dict(cfg="model = dict(type='ImageClassifier')", epoch=1, iter=2),
        message_hub={},
    )


def equal(model, state, prefix=''):
    own = model.state_dict()
    return all(torch.equal(own[name], state[prefix + name]) for name in own)


def test_its_own_checkpoint_is_fit_to_resume(trained):
    check_resumable(trained, classifier())


def test_a_checkpoint_with_a_former_name_is_fit_to_resume(trained):
    model = classifier()
    model.local_head = SelfDistillationHead(num_prototypes=4)
    center = torch.arange(4.0)[None]
    trained['state_dict']['local_head.centre'] = center
    check_resumable(trained, model)
    model.load_state_dict(trained['state_dict'])
    assert torch.equal(model.local_head.center, center)


def test_resuming_another_method_is_refused_by_the_names(trained):
    state = trained['state_dict']
    state['queue.feats'] = torch.zeros(8, 4)
    state['head.fc.weight'] = torch.zeros(7, 32)
    del state['backbone.conv1.weight']
    trained['meta']['cfg'] = "model = dict(type='rsp.GeRSP')"
    with pytest.raises(ValueError, match=r'cannot resume ImageClassifier') as caught:
        check_resumable(trained, classifier())
    text = str(caught.value)
    assert "'a.pth', which seems to be a checkpoint of rsp.GeRSP, epoch 1" in text
    assert '1 missing (backbone.conv1.weight)' in text
    assert '1 unexpected (queue.feats)' in text
    assert '1 of another shape (head.fc.weight: (7, 32) in the file, (3, 32) in' in text
    assert '--cfg-options load_from=a.pth in place of --resume' in text


def test_long_lists_of_names_are_cut(trained):
    with pytest.raises(ValueError, match=r'121 missing \((\S+, ){4}\.\.\.\)'):
        check_resumable(
            dict(state_dict={'head.fc.weight': torch.zeros(3, 32)}), classifier()
        )


def test_weights_alone_are_not_a_run(trained):
    del trained['message_hub'], trained['meta']
    with pytest.raises(
        ValueError, match=r'weights, but not.*\(meta and message_hub mis'
    ):
        check_resumable(trained, classifier())


def test_a_new_run_takes_what_fits_but_not_nothing(trained):
    check_overlap(trained, classifier(classes=9))
    foreign = dict(state_dict={'encoder.weight': torch.zeros(3)})
    with pytest.raises(
        ValueError, match=r'no tensor of .a.pth. fits.*encoder \(1 tensor\)'
    ):
        check_overlap(foreign, classifier())


def test_a_whole_classifier_is_loaded(trained):
    model = classifier()
    assert load_whole_model(model, trained) == []
    assert equal(model, trained['state_dict'])


def test_a_probe_takes_the_student_and_leaves_the_rest(trained):
    trained['state_dict'] |= {
        'teacher.module.backbone.conv1.weight': torch.zeros(1),
        'queue.feats': torch.zeros(1),
    }
    model = classifier(classes=None)
    left = load_whole_model(model, trained)
    assert equal(model, trained['state_dict'])
    assert sorted(left) == [
        'head.fc.bias',
        'head.fc.weight',
        'queue.feats',
        'teacher.module.backbone.conv1.weight',
    ]


def test_a_bare_backbone_is_loaded_without_its_old_counters():
    source = classifier(classes=None)
    bare = {
        name: tensor
        for name, tensor in source.backbone.state_dict().items()
        if 'num_batches_tracked' not in name
    }
    model = classifier(classes=None)
    assert load_whole_model(model, bare) == []
    assert equal(model, source.state_dict())


def test_a_backbone_of_another_depth_is_refused(trained):
    deep = classifier(depth=34, classes=None)
    with pytest.raises(ValueError, match=r'does not fit.* missing \(backbone.layer1.2'):
        load_whole_model(deep, trained)


def test_a_deeper_backbone_does_not_pass_for_a_shallower_one():
    deep = dict(state_dict=dict(classifier(depth=34, classes=None).state_dict()))
    with pytest.raises(
        ValueError, match=r'unexpected \(backbone.layer1.2.*architecture'
    ):
        load_whole_model(classifier(classes=None), deep)


def test_a_backbone_of_another_width_is_refused_with_both_shapes(trained):
    wide = classifier(classes=None)
    wide.backbone.conv1 = torch.nn.Conv2d(3, 5, 7, bias=False)
    with pytest.raises(
        ValueError, match=r'conv1.weight: \(4, 3, 7, 7\) in the file, \(5, 3, 7, 7\)'
    ):
        load_whole_model(wide, trained)


def test_a_head_without_training_is_not_tested(trained):
    for name in ('head.fc.weight', 'head.fc.bias'):
        del trained['state_dict'][name]
    with pytest.raises(
        ValueError, match=r'2 missing \(head.fc.weight, head.fc.bias\).*head must have'
    ):
        load_whole_model(classifier(), trained)


def test_position_embeddings_are_adapted_as_the_model_does():
    def vit(size):
        return ImageClassifier(
            backbone=dict(
                type='VisionTransformer',
                img_size=size,
                patch_size=8,
                arch=dict(
                    embed_dims=8, num_layers=1, num_heads=1, feedforward_channels=8
                ),
            )
        )

    small, large = vit(16), vit(32)
    state = dict(small.state_dict())
    assert load_whole_model(large, state) == []
    assert large.backbone.pos_embed.shape == (1, 17, 8)


def test_a_probe_takes_the_teacher_of_geokr(trained):
    student = classifier(classes=None).backbone.state_dict()
    teacher = {name: tensor + 1 for name, tensor in student.items()}
    state = {f'backbone.{name}': tensor for name, tensor in student.items()}
    state |= {f'teacher.module.backbone.{n}': tensor for n, tensor in teacher.items()}
    state['teacher.module.classifier.mlp.0.weight'] = torch.zeros(8, 32)
    trained['state_dict'] = state
    model = classifier(classes=None)
    load_whole_model(model, trained)
    assert equal(model.backbone, teacher)
