"""Refuse values that a setting cannot have, and that libraries take in silence."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from mmengine.config import Config

from rsp.errors import UserError
from rsp.ops import check

# Texts that are asked for when an image is read, in runs of several processes, or when
# a validation is over.
CHOICES = dict(
    imdecode_backend=('cv2', 'turbojpeg', 'pillow', 'tifffile'),
    color_type=(
        'color',
        'grayscale',
        'unchanged',
        'color_ignore_orientation',
        'grayscale_ignore_orientation',
    ),
    iou_metrics=('mIoU', 'mDice', 'mFscore'),
    predict_box_type=('hbox', 'rbox', 'qbox'),
    sync_bn=('torch', 'mmcv'),
    log_level=('CRITICAL', 'ERROR', 'WARNING', 'INFO', 'DEBUG', 'NOTSET'),
)
# Functions of mmcv, which looks them up by name when boxes are suppressed.
SUPPRESSIONS = ('nms', 'soft_nms', 'nms_match', 'nms_rotated', 'nms_quadri')
SWITCHES = (
    'allow_partial', 'compile_backbone', 'exact_pillow', 'find_unused_parameters',
    'inflate_stem', 'trust',
)  # fmt: skip
# Shares of the overlap of boxes and of a sample.
SHARES = ('iou_threshold', 'min_pos_iou', 'neg_iou_thr', 'pos_fraction', 'pos_iou_thr')
# Of more than 1 a layer that drops scales by a negative number, and boxes by their
# score are none; less than 0 is a way to write that none is dropped.
AT_MOST_1 = (
    'attn_drop_rate', 'drop_path_rate', 'drop_rate', 'dropout', 'dropout_ratio',
    'score_thr',
)  # fmt: skip
# Numbers below which a layer cannot be, or learns the opposite, or is left out.
LEAST = dict.fromkeys(('loss_weight', 'num_convs', 'stacked_convs'), 0) | dict.fromkeys(
    (
        'in_channels', 'out_channels', 'channels', 'base_channels', 'stem_channels',
        'feat_channels', 'hid_channels', 'num_outs',
    ),
    1,
)  # fmt: skip
SCHEDULE = dict(T_max=1, step_size=1, gamma=0)
# Of none of them an anchor or a map is made.
FILLED = ('out_indices', 'ratios', 'scales', 'strides')
# Sizes of images in pipelines.
SIZES = ('crop_size', 'scale', 'size')
LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')


def refuse_impossible_values(cfg: Config) -> None:
    """Check single settings wherever they stand; what libraries refuse is theirs.

    Args:
        cfg: Config of a training or an evaluation; not modified.

    Raises:
        UserError: With the key, what it can be, and what it is.
    """
    _each(cfg, 'model', ['temperature'], check.positive)
    _each(cfg, 'model', SHARES, lambda key, value: check.between(key, value, 0, 1))
    _each(cfg, 'model', AT_MOST_1, lambda key, value: check.at_most(key, value, 1))
    for name, least in LEAST.items():
        _each(cfg, 'model', [name], _at_least(least))
    for name, least in SCHEDULE.items():
        _each(cfg, 'param_scheduler', [name], _at_least(least))
    for key, value in values_of('sampler', 'model', cfg.get('model')):
        if isinstance(value, Mapping) and isinstance(value.get('num'), int):
            check.at_least(f'{key}.num', value['num'], 1)
    for key, value in values_of('max_per_img', 'model', cfg.get('model')):
        if value == 0:
            raise UserError(f'expected {key} of at least 1, got 0: no box is kept.')
    for key, value in values_of('nms', 'model', cfg.get('model')):
        if isinstance(value, Mapping) and isinstance(value.get('type'), str):
            check.one_of(f'{key}.type', value['type'], SUPPRESSIONS)
    for name in SIZES:
        for section in LOADERS:
            for key, value in values_of(name, section, cfg.get(section)):
                if 0 in (value if isinstance(value, list | tuple) else [value]):
                    raise UserError(f'expected {key} of at least 1, got {value!r}.')
    for name in FILLED:
        for key, value in values_of(name, 'model', cfg.get('model')):
            if isinstance(value, list | tuple) and not value:
                raise UserError(f'expected at least one number in {key}, got none.')
    for name, choices in CHOICES.items():
        for key, value in values_of(name, '', cfg.to_dict()):
            for text in value if isinstance(value, list | tuple) else [value]:
                if isinstance(text, str):
                    check.one_of(key.lstrip('.'), text, choices)
    for name in SWITCHES:
        if isinstance(cfg.get(name), str | int) and cfg[name] not in (True, False):
            raise UserError(f'expected {name} to be True or False, got {cfg[name]!r}.')


def values_of(wanted: str, path: str, cfg: Any) -> Iterator[tuple[str, Any]]:
    """Yield dotted key and value wherever a name occurs in nested settings."""
    if isinstance(cfg, Mapping):
        for key, value in cfg.items():
            if key == wanted:
                yield f'{path}.{key}', value
            else:
                yield from values_of(wanted, f'{path}.{key}', value)
    elif isinstance(cfg, list | tuple):
        for number, value in enumerate(cfg):
            yield from values_of(wanted, f'{path}[{number}]', value)


def _each(
    cfg: Config,
    section: str,
    names: Iterable[str],
    check_number: Callable[[str, Any], None],
) -> None:
    """Check every number of these names in a section, and those in lists."""
    for name in names:
        for key, value in values_of(name, section, cfg.get(section)):
            for number in value if isinstance(value, list | tuple) else [value]:
                if isinstance(number, int | float):
                    check_number(key, number)


def _at_least(least: float) -> Callable[[str, Any], None]:
    return lambda key, value: check.at_least(key, value, least)
