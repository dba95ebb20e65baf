import copy

import pytest
import torch
from mmengine.config import Config
from torch.testing import assert_close

from rsp.engine.runner import PortableRunner
from rsp.evaluation import extract_features, knn_scores, standardize
from rsp.evaluation.probe_loop import in_dataset_order
from rsp.ops.accuracy import topk_accuracy

CLASSES = ('Forest', 'River', 'Sea')


@pytest.fixture
def config(write_images, tmp_path):
    """A probe of a tiny ResNet on folders of random images."""
    for split, number in (('train', 5), ('val', 3)):
        for name in CLASSES:
            write_images(f'{split}/{name}', [f'{i}.png' for i in range(number)])

    def loader(split, shuffle):
        pipeline = [dict(type='LoadImageFromFile'), dict(type='PackInputs')]
        return dict(
            batch_size=4,
            num_workers=0,
            sampler=dict(type='DefaultSampler', shuffle=shuffle),
            dataset=dict(
                type='rsp.ImageFolder',
                data_root=str(tmp_path / split),
                pipeline=pipeline,
            ),
        )

    return Config(
        dict(
            default_scope='mmpretrain',
            work_dir=str(tmp_path / 'work'),
            model=dict(
                type='ImageClassifier',
                backbone=dict(
                    type='ResNet', depth=18, base_channels=8, stem_channels=8
                ),
                data_preprocessor=dict(mean=[120] * 3, std=[60] * 3, to_rgb=True),
            ),
            test_dataloader=loader('val', shuffle=False),
            test_cfg=dict(
                type='rsp.ProbeLoop',
                train_dataloader=loader('train', shuffle=True),
                probes=[dict(type='rsp.KNNProbe', k=6), dict(type='rsp.LinearProbe')],
            ),
            test_evaluator=[],
            randomness=dict(seed=3),
        )
    )


def build(config):
    return PortableRunner.from_cfg(copy.deepcopy(config))


def test_the_metrics_are_those_of_the_pure_functions(config):
    runner = build(config)
    metrics = runner.test()
    assert set(metrics) == {'knn/top1', 'linear/top1'}  # no top-5 of three classes

    train, labels = features_by_hand(runner, runner.test_loop.train_dataloader.dataset)
    test, test_labels = features_by_hand(runner, runner.test_dataloader.dataset)
    train, test = standardize(train, test)
    scores = knn_scores(train, labels, test, 3, k=6)
    assert metrics['knn/top1'] == topk_accuracy(scores, test_labels, 1).item()


def features_by_hand(runner, dataset):
    model = runner.model
    items = [dataset[i] for i in range(len(dataset))]
    images = torch.stack([item['inputs'] for item in items])
    batch = model.data_preprocessor(dict(inputs=images), training=False)
    labels = torch.cat([item['data_samples'].gt_label for item in items])
    return extract_features(model.backbone, [(batch['inputs'], labels)])


def test_no_weight_and_no_buffer_changes(config):
    runner = build(config)
    runner.test()
    before = copy.deepcopy(runner.model.state_dict())
    runner.test()
    for name, value in runner.model.state_dict().items():
        assert_close(value, before[name], rtol=0, atol=0)


def test_batch_norm_is_reestimated_from_the_training_images_if_asked(config):
    config.test_cfg.reestimate_batch_norm = True
    runner = build(config)
    runner.test()
    mean = runner.model.backbone.bn1.running_mean
    images = torch.stack(
        [item['inputs'] for item in runner.test_loop.train_dataloader.dataset]
    )
    images = runner.model.data_preprocessor(dict(inputs=images))['inputs']
    expected = runner.model.backbone.conv1(images).mean(dim=(0, 2, 3))
    # Batches of 4, 4, 4 and 3 images weigh the same.
    assert_close(mean, expected.detach(), rtol=0.1, atol=0.02)


def test_different_classes_in_the_two_sets_are_refused(config, write_images):
    write_images('val/Wetland', ['0.png'])
    with pytest.raises(ValueError, match=r"same classes .*'Sea'.*'Wetland'"):
        build(config).test()


def test_an_evaluator_is_refused(config):
    config.test_evaluator = dict(type='Accuracy')
    with pytest.raises(ValueError, match=r'set test_evaluator=\[\]'):
        build(config).test()


def test_unlabeled_images_are_refused(config):
    for loader in (config.test_dataloader, config.test_cfg.train_dataloader):
        loader.dataset.update(with_label=False, metainfo=dict(classes=CLASSES))
    with pytest.raises(ValueError, match=r"no \['gt_label'\].*with_label=True"):
        build(config).test()


def test_padding_of_the_sampler_counts_once():
    features = torch.tensor([[2.0], [0.0], [1.0], [2.0]])
    kept = torch.tensor([[7, 2], [5, 0], [6, 1], [7, 2]])
    ordered, labels = in_dataset_order(features, kept, size=3)
    assert ordered.tolist() == [[0], [1], [2]]
    assert labels.tolist() == [5, 6, 7]


def test_images_left_out_are_refused():
    kept = torch.tensor([[5, 0], [7, 2]])
    with pytest.raises(ValueError, match=r'2 of 3 images reached .*drop_last=False'):
        in_dataset_order(torch.zeros(2, 1), kept, size=3)


@pytest.mark.dist
def test_two_processes_score_every_image_once(config, gloo):
    """Nine images on two ranks: the sampler repeats one, the probe drops it."""
    alone = build(config).test()
    assert gloo(probe_on_this_rank, config.to_dict()) == [alone, alone]


def probe_on_this_rank(settings):
    return PortableRunner.from_cfg(Config(settings)).test()
