"""Fit the schedule of a config to another number of epochs."""

from mmengine.config import Config

from rsp.errors import UserError
from rsp.ops import check


def stretch_schedule(cfg: Config, epochs: int) -> list[str]:
    """Return the overrides that train a config for so many epochs.

    Parts of the schedule that end with the training end with the new last epoch; what
    ends earlier, such as a warm-up, and what steps by the epoch stay as they are.

    Args:
        cfg: Of a training by epochs.
        epochs: At least 1.

    Raises:
        UserError: If the config trains by iterations, or restarts within its epochs.
    """
    check.at_least('epochs', epochs, 1)
    old = cfg.train_cfg.get('max_epochs')
    if old is None:
        raise UserError(
            'expected a config that trains by epochs (train_cfg.max_epochs) to change '
            f'their number, got {dict(cfg.train_cfg)}; leave the number out.'
        )
    options = [f'train_cfg.max_epochs={epochs}']
    schedule = cfg.get('param_scheduler') or []
    single = isinstance(schedule, dict)
    for number, part in enumerate([schedule] if single else schedule):
        key = 'param_scheduler' if single else f'param_scheduler.{number}'
        if part.get('periods') and epochs != old:
            raise UserError(
                f"expected a schedule without restarts to change epochs, got '{key}' "
                f'of {part["type"]} with periods={list(part["periods"])}; leave the '
                'number of epochs out, or set the periods by --cfg-options.'
            )
        begin = part.get('begin', 0)
        if part.get('by_epoch') and part.get('end', old) == old:
            if epochs <= begin:
                raise UserError(
                    f"expected more epochs than the {begin} before '{key}' begins, got "
                    f'{epochs}; ask for more.'
                )
            if 'end' in part:
                options.append(f'{key}.end={epochs}')
            if part.get('T_max') == old - begin:
                options.append(f'{key}.T_max={epochs - begin}')
    return options
