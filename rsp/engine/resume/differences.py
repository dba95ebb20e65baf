"""Tell how a resumed run's config differs from that of its checkpoint."""

from collections.abc import Iterator
from typing import Any

from rsp.checkpoints import config_values

# Of a start, not of what is trained.
OF_THE_START = {
    'checkpoint',
    'experiment_name',
    'launcher',
    'load_from',
    'log_level',
    'resume',
    'trust',
    'work_dir',
}
SHOWN = 60


def tell_differences(runner: Any, text: Any) -> None:
    """Log a line for each value that differs, and whether it applies.

    Everything is built by the config of this run. Only weights, momenta, the state of
    averages and the seed come from the checkpoint.

    Args:
        runner: That resumes.
        text: Config of the checkpoint, as mmengine writes it.
    """
    theirs, ours = config_values(text), config_values(runner.cfg.pretty_text)
    if not (theirs and ours):
        return
    for name in sorted(theirs.keys() | ours.keys() - OF_THE_START):
        if name in OF_THE_START:
            continue
        for key, old, new in differences(name, theirs.get(name), ours.get(name)):
            reason = why_ignored(key)
            line = f'{key}: {shorten(old)} in the checkpoint, {shorten(new)} here'
            if reason:
                runner.logger.warning(f'{line}, which is ignored: {reason}.')
            else:
                runner.logger.info(f'{line}, which applies.')


def differences(key: str, old: Any, new: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield the dotted keys of values that differ, with both values.

    A missing key and None are the same, as for most settings.
    """
    if isinstance(old, dict) and isinstance(new, dict):
        for name in old | new:
            yield from differences(f'{key}.{name}', old.get(name), new.get(name))
    elif (
        isinstance(old, list)
        and isinstance(new, list)
        and len(old) == len(new)
        and any(isinstance(item, dict | list) for item in old)
    ):
        for number, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from differences(f'{key}.{number}', one, other)
    elif old != new:
        yield key, old, new


def why_ignored(key: str) -> str | None:
    """Return why a resumed run does not follow a key of its config; None if it does."""
    parts = key.split('.')
    if key == 'randomness.seed':
        return 'the order of images and their augmentations go on'
    if parts[0] == 'model' and ('init_cfg' in parts or 'pretrained' in parts):
        return 'the weights are those of the checkpoint'
    if key in ('allow_partial', 'inflate_stem'):
        return 'no pre-trained backbone is loaded'
    return None


def shorten(value: Any) -> str:
    """Spell a value in a few words."""
    text = repr(value)
    return text if len(text) <= SHOWN else f'{text[: SHOWN - 4]} ...'
