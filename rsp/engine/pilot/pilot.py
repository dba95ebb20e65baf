"""Measure a config, compute its bill, and try what could make it cheaper."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rsp.engine.pilot.bill import Schedule, total
from rsp.engine.pilot.remedies import Remedy, propose
from rsp.engine.pilot.trials import Failed, Trials
from rsp.errors import UserError
from rsp.ops import check

# Time of a trial of a change, relative to that of the config as it is.
TRIAL = 1 / 3


def pilot(
    config: str,
    seconds: float,
    cfg_options: Sequence[str],
    trials: bool,
    tell: Callable[[str], None],
    **options: Any,
) -> dict[str, Any]:
    """Tell what the training of a config will cost.

    Args:
        config: See `rsp.io.configs.find_config`.
        seconds: Time to measure it, behind its start.
        cfg_options: Overrides, as on a command line.
        trials: Whether to try changes and look for the largest batch.
        tell: Called with a line of progress.
        **options: Further arguments of `rsp.engine.train.training_config`.

    Returns:
        All that was measured, with ``bill`` (seconds), ``hours``, ``remedies``, the
        ``best`` of them or None, and ``largest_batch``.

    Raises:
        UserError: If training would refuse the config, or there is no time.
    """
    check.positive('--seconds', seconds)
    runs = Trials(dict(options, config=config), cfg_options)
    tell(f'training {config} for {seconds:g} s')
    measured = runs.measure(seconds, whole=True)
    result = measured | dict(config=config, cfg_options=list(cfg_options))
    result |= bills(measured)
    result['facts'] = {k: v for k, v in measured['facts'].items() if k != 'folders'}
    if not trials:
        return result
    short = max(seconds * TRIAL, 5)
    tried = []
    for remedy in propose(measured, config, result['hours']):
        tell(f'trying {remedy.name}: {remedy.option}')
        tried.append((remedy, _try(runs, remedy, short)))
    again = measured
    if tried:
        # The machine may have had more to do, or less, by then.
        tell('training as it is once more')
        again = runs.measure(short, whole=False)
    remedies = [_compare(*one, measured, again) for one in tried]
    result['remedies'] = remedies
    helpful = [one for one in remedies if one['gain'] and one['gain'] >= 1.05]
    result['best'] = max(helpful, key=lambda one: one['gain'], default=None)
    tell('looking for the largest batch')
    try:
        result['largest_batch'] = runs.largest_batch(max(seconds, 5))
    except Failed as failure:
        # The kernel ends the search first if others need the memory: signal 9.
        reason = f'status {failure.status}, {str(failure).splitlines()[-1]}'
        result['largest_batch'] = dict(failed=reason)
    return result


def bills(measured: Mapping[str, Any]) -> dict[str, Any]:
    """Compute wall clock and processor time of a whole schedule.

    Args:
        measured: By `rsp.engine.pilot.measuring.hook.PilotHook`, of the ``whole``.
    """
    schedule, steps = Schedule(**measured['schedule']), measured['steps']
    nothing: dict[str, float] = dict(wall=0.0, cpu=0.0)
    validation = measured.get('validation', nothing)
    checkpoint = measured['checkpoint']
    costs = dict(
        start=measured['start']['wall'],
        begin=steps['begin'],
        step=steps['step'],
        epoch=steps['epoch'],
        rare=[(rare['wall'], rare['interval']) for rare in measured['rare']],
        validation=validation['wall'],
        checkpoint=checkpoint['wall'],
        end=measured['end']['wall'],
    )
    # An epoch's beginning is in the mean of all steps, or waits.
    cpu = costs | dict(
        start=measured['start']['cpu'],
        begin=measured['cpu']['begin'],
        step=measured['cpu']['step'],
        epoch=0.0,
        rare=[(rare['cpu'], rare['interval']) for rare in measured['rare']],
        validation=validation['cpu'],
        checkpoint=checkpoint['cpu'],
        end=0.0,
    )
    bill = total(schedule, costs)
    hours = bill['total'] / 3600
    return dict(
        bill=bill,
        hours=hours,
        cpu_bill=total(schedule, cpu),
        device_hours=hours if measured['facts']['gpu'] else None,
        core_hours=hours * measured['facts']['cores'],
    )


def _try(runs: Trials, remedy: Remedy, seconds: float) -> dict[str, Any] | str:
    """Measure a change; return the reason if it cannot be trained."""
    try:
        with TemporaryDirectory() as folder:
            options = list(remedy.cfg_options)
            if remedy.prepare is not None:
                options += remedy.prepare(Path(folder))
            return runs.measure(seconds, False, options, **remedy.options)
    except (UserError, Failed) as error:
        return str(error).splitlines()[0]


def _compare(
    remedy: Remedy,
    after: dict[str, Any] | str,
    before: Mapping[str, Any],
    again: Mapping[str, Any],
) -> dict[str, Any]:
    """Tell how many times as fast the whole schedule becomes by a change.

    Args:
        remedy: The change.
        after: What was measured with it, or why nothing was.
        before: What was measured without it, before and
        again: after all changes.
    """
    facts = dict(name=remedy.name, option=remedy.option)
    if isinstance(after, str):
        return facts | dict(gain=None, reason=after)
    costs = bills(before)['bill']
    old = costs['total']
    # What was not tried again costs what it did.
    without = (before['steps']['step'] + again['steps']['step']) / 2
    samples = after['facts']['batch'] / before['facts']['batch']
    new = old + costs['training'] * (after['steps']['step'] / samples / without - 1)
    new += after['steps']['begin'] - before['steps']['begin']
    return facts | dict(
        gain=old / new,
        step=after['steps']['step'],
        memory=after['memory'],
        hours=new / 3600,
    )
