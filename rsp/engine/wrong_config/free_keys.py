"""Refuse misspelt keys of settings that a library reads by name and never counts."""

import difflib
from collections.abc import Mapping
from typing import Any

from mmengine.config import Config

from rsp.engine.wrong_config.places import walk
from rsp.errors import UserError

# `model.train_cfg` and `model.test_cfg` as mmdet, mmrotate, mmseg and mmpretrain read
# them: what is not found takes a default there, or is left out.
MODEL_KEYS = {
    'allowed_border', 'assigner', 'augments', 'chunked_size', 'crop_size', 'debug',
    'ga_assigner', 'ga_sampler', 'init', 'local_maximum_kernel', 'mask_size',
    'mask_thr_binary', 'max_per_image', 'max_per_img', 'min_bbox_size', 'mode', 'nms',
    'nms_post', 'nms_pre', 'pos_weight', 'probs', 'rcnn', 'refine', 'rpn',
    'rpn_proposal', 'sampler', 'score_thr', 'stage_loss_weights', 'stride', 'top_k',
    'topk', 'with_nms',
}  # fmt: skip
# `metainfo` of a data set.
META_KEYS = {
    'classes', 'dataset_type', 'ignore_index', 'palette', 'reduce_zero_label',
    'task_name',
}  # fmt: skip


def refuse_misspelt_keys(cfg: Config) -> None:
    """Refuse keys that are nearly one that a model or a data set reads.

    Others are left alone: models of other projects read keys of their own.

    Args:
        cfg: Config of a run; not modified.

    Raises:
        UserError: With the key and the nearest name, or if a palette and the classes
            beside it do not fit.
    """
    for path, part in walk(cfg.to_dict()):
        last = path.rpartition('.')[2]
        below = [
            f'{path}.'.startswith(f'model.{n}.') for n in ('train_cfg', 'test_cfg')
        ]
        if any(below) and 'type' not in part:
            _refuse_near(path, part, MODEL_KEYS)
        elif last == 'metainfo':
            _refuse_near(path, part, META_KEYS)
            _check_palette(path, part)


def _refuse_near(path: str, part: Mapping[str, Any], known: set[str]) -> None:
    for key in part:
        # In capitals they were read once: `CLASSES`.
        near = difflib.get_close_matches(str(key).lower(), known, n=1, cutoff=0.75)
        if near and key not in known:
            raise UserError(f"nothing reads {path}.{key}; did you mean '{near[0]}'?")


def _check_palette(path: str, part: Mapping[str, Any]) -> None:
    palette, classes = part.get('palette'), part.get('classes')
    if not isinstance(palette, list | tuple):
        return
    for number, color in enumerate(palette):
        if not (
            isinstance(color, list | tuple)
            and len(color) == 3
            and all(isinstance(v, int) and 0 <= v <= 255 for v in color)
        ):
            raise UserError(
                f'expected three whole numbers from 0 to 255 in {path}.palette'
                f'[{number}], red, green and blue, got {color!r}.'
            )
    if isinstance(classes, list | tuple) and len(classes) != len(palette):
        raise UserError(
            f'expected a color for each of the {len(classes)} classes in '
            f'{path}.palette, got {len(palette)}.'
        )
