"""Views of the first batch: the pixels of the step, and a run that does not notice."""

import json
import logging
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from mmengine.hooks import Hook
from mmengine.model import BaseModel, ImgDataPreprocessor
from mmengine.runner import Runner
from torch import nn

from rsp.engine.logs.first_views import SIDE, FirstViews, arrange, to_colors
from rsp.engine.logs.report_hook import ReportHook
from rsp.engine.report.run import read_run

MEAN, STD = [86.2, 91.9, 85.4], [34.7, 34.5, 35.9]


def statistics(mean, std, **flags):
    mean, std = (torch.tensor(v).view(-1, 1, 1) for v in (mean, std))
    return SimpleNamespace(mean=mean, std=std, **flags)


@pytest.mark.parametrize('turned', [True, False])
@pytest.mark.parametrize('dates', [1, 2])
def test_pixels_come_back_as_they_were(turned, dates):
    pixels = torch.randint(256, (2, 3 * dates, 4, 6), dtype=torch.uint8)
    known = statistics(MEAN, STD, _channel_conversion=turned)
    mean, std = (v.repeat(dates, 1, 1) for v in (known.mean, known.std))
    found, note = to_colors([(pixels - mean) / std], known)
    assert note == ''
    assert len(found) == dates
    for number, image in enumerate(found):
        expected = pixels[:, 3 * number : 3 * number + 3]
        # Without a turn the network gets blue first.
        expected = expected if turned else expected.flip(1)
        assert (image == expected.permute(0, 2, 3, 1).numpy()).all()


def test_reflectances_are_stretched_alike_in_true_colors():
    names = ['B01', 'B02', 'B03', 'B04', 'B08', 'B8A']
    clean = torch.rand(2, 6, 20, 20)
    known = statistics([0.2] * 6, [0.1] * 6)
    views = [(v - 0.2) / 0.1 for v in (clean, clean / 2)]
    (bright, dark), note = to_colors(views, known, names)
    assert note.startswith('bands B04, B03, B02 as red, green, blue, 2nd')
    shown = torch.cat([clean, clean / 2])[:, [3, 2, 1]]
    low, high = np.percentile(shown.numpy(), (2, 98), axis=(0, 2, 3))
    expected = (clean[:, [3, 2, 1]].permute(0, 2, 3, 1).numpy() - low) / (high - low)
    expected = (255 * expected).clip(0, 255)
    assert abs(bright - expected).max() <= 1
    # A darker view is seen as one.
    assert dark.mean() < 0.7 * bright.mean()
    assert to_colors(views, known)[1].startswith('bands 1, 2, 3 as red, green, blue')
    radar = statistics([-12.0, -19.0], [5.0, 5.0])
    (image,), note = to_colors([torch.randn(2, 2, 8, 8)], radar, ['VV', 'VH'])
    assert note.startswith('band VV in gray')
    assert (image == image[..., :1]).all()


def test_views_of_a_scene_are_neighbors():
    views = [np.full((5, 30, 40, 3), value, np.uint8) for value in (10, 200)]
    views[1] = views[1][:, :16, :16]  # of another size
    picture = arrange(views)
    columns = picture[SIDE // 4].mean(axis=1)
    assert (columns[:SIDE] == 10).all()
    assert (columns[SIDE + 2 : 2 * SIDE + 2] == 200).all()
    assert columns[2 * SIDE + 6] == 255
    # Four scenes of two views in a line, the fifth below.
    assert picture.shape[1] < 8 * SIDE + 80
    assert SIDE * 2 < picture.shape[0] < SIDE * 2 + 40
    assert len(arrange(views, 'a note')) > len(picture)


class Views(torch.utils.data.Dataset):
    metainfo = {}

    def __len__(self):
        return 12

    def __getitem__(self, index):
        views = torch.randint(256, (2, 3, 16, 20), dtype=torch.uint8)
        return dict(inputs=list(views))


class TwoViews(ImgDataPreprocessor):
    def forward(self, data, training=False):
        views = [torch.stack(v) for v in data['inputs']]
        noise = torch.randint(2, views[0].shape, dtype=torch.uint8)  # on the device
        views = [v.bitwise_xor(noise).flip(1).float() for v in views]
        return dict(inputs=[(v - self.mean) / self.std for v in views])


class Model(BaseModel):
    def __init__(self):
        super().__init__(TwoViews(MEAN, STD, bgr_to_rgb=True))
        self.layer = nn.Sequential(nn.Flatten(), nn.Linear(960, 4), nn.Dropout(0.5))

    def forward(self, inputs, mode):
        first, second = map(self.layer, inputs)
        return dict(loss=(first - second).square().mean())


class Keep(Hook):
    """Keep what the model is given, from outside."""

    def before_run(self, runner):
        self.given = []
        forward = runner.model.forward

        def kept(inputs, mode):
            self.given.append([view.clone() for view in inputs])
            return forward(inputs, mode=mode)

        runner.model.forward = kept


def train(folder, **options):
    keep = Keep()
    torch.manual_seed(3)  # of the weights
    Runner(
        model=Model(),
        work_dir=str(folder),
        train_dataloader=dict(
            batch_size=4,
            num_workers=0,
            dataset=Views(),
            sampler=dict(type='DefaultSampler', shuffle=True),
            collate_fn=dict(type='pseudo_collate'),
        ),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=1e-4)),
        train_cfg=dict(by_epoch=True, max_epochs=2),
        default_hooks=dict(logger=dict(type='LoggerHook', interval=1), checkpoint=None),
        custom_hooks=[keep, ReportHook(min_records=99, **options)],
        visualizer=dict(
            type='Visualizer',
            vis_backends=[dict(type='LocalVisBackend')],
            name=str(folder),
        ),
        default_scope='mmengine',
        experiment_name=folder.name,
        randomness=dict(seed=3),
        log_level='ERROR',
    ).train()
    [file] = folder.glob('*/vis_data/scalars.json')
    losses = [json.loads(line)['loss'] for line in file.read_text().splitlines()]
    return losses, torch.get_rng_state(), keep.given[0]


def test_a_run_keeps_its_first_batch_and_its_losses(tmp_path):
    losses, state, given = train(tmp_path / 'with', views=3)
    others, other_state, _ = train(tmp_path / 'without', views=0)
    assert len(losses) == 6
    assert losses == others
    assert torch.equal(state, other_state)
    assert not [*(tmp_path / 'without').rglob('*.png')]
    [file] = (tmp_path / 'with').rglob('*.png')
    assert file.name == 'views_1.png'
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in (MEAN, STD))
    views = [(v[:3] * std + mean).round().byte().permute(0, 2, 3, 1) for v in given]
    picture = cv2.imread(str(file))[..., ::-1]
    np.testing.assert_array_equal(picture, arrange([v.numpy() for v in views]))
    [shown] = read_run(tmp_path / 'with', 'with').pictures
    assert shown.title == (
        'views as the model was given them, side by side per scene, iteration 1'
    )


def test_what_cannot_be_drawn_is_a_warning(caplog):
    hook = ReportHook()
    runner = SimpleNamespace(
        model=SimpleNamespace(data_preprocessor=nn.Identity()),
        cfg={},
        iter=0,
        logger=logging.getLogger('views'),
        visualizer=None,
    )
    hook.before_train_iter(runner, 0)
    runner.model.data_preprocessor(dict(inputs=torch.rand(2, 3, 8, 8)))
    hook.after_train_iter(runner, 0)
    assert 'views of the first batch could not be drawn (AttributeError' in caplog.text
    hook.before_train_iter(runner, 1)
    assert not runner.model.data_preprocessor._forward_hooks


def test_a_batch_without_images_has_no_picture():
    model = nn.Identity()
    first = FirstViews(model, 2)
    model(dict(inputs=[torch.rand(3, 8, 8), torch.rand(3, 9, 9)]))
    assert [*first.draw()] == []
