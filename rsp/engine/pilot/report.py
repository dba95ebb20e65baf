"""Write what a pilot found for people."""

from collections.abc import Mapping
from typing import Any

from rsp.engine.pilot.measuring.resources import MIB

GIB = 1024 * MIB


def report(result: Mapping[str, Any]) -> str:
    """Return the lines of a report.

    Args:
        result: Of `rsp.engine.pilot.pilot.pilot`.
    """
    facts, rows = result['facts'], [*_cost_rows(result), *_trial_rows(result)]
    where = facts['device'] + ('' if facts['gpu'] else f', {facts["cores"]} cores')
    width = max(len(name) for name, _ in rows) + 2
    lines = [f'{name:{width}}{text}'.rstrip() for name, text in rows]
    return '\n'.join([f'{result["config"]} on {where}, one process', *lines])


def _cost_rows(result: Mapping[str, Any]) -> list[tuple[str, str]]:
    facts, steps, bill = result['facts'], result['steps'], result['bill']
    schedule, parts = result['schedule'], percentages(result['parts'])
    rate = facts['batch'] / steps['step']
    unit = facts['unit']
    rows = [
        ('whole schedule', f'{duration(bill["total"])}: {_bill_text(result)}'),
        (
            'GPU-hours' if facts['gpu'] else 'core-hours',
            f'{result["hours"]:.2f}'
            if facts['gpu']
            else f'{result["core_hours"]:.2f} of {facts["cores"]} cores, '
            f'{result["cpu_bill"]["total"] / 3600:.2f} of processor time',
        ),
        (
            'steps',
            f'{schedule["iterations"]} of {facts["batch"]} {unit}, {steps["step"]:.3g} '
            f's each (mean of {steps["count"]}, median {steps["median"]:.3g}): '
            f'{rate:.3g} {unit}/s',
        ),
        ('memory', _memory_text(result['memory'])),
        ('time of a step', _shares_text(parts)),
    ]
    return rows


def _bill_text(result: Mapping[str, Any]) -> str:
    bill, schedule, steps = result['bill'], result['schedule'], result['steps']
    texts = [
        f'training {duration(bill["training"])}',
        f'start {duration(bill["start"])}',
    ]
    if steps['begin'] > 1:
        texts[0] += f' (first {steps["warmup"]} steps {duration(steps["begin"])} of it)'
    if schedule['validations']:
        share = result.get('validation', {}).get('share', 1)
        part = '' if share == 1 else f', from {share:.0%} of one'
        number, cost = schedule['validations'], duration(bill['validation'])
        texts.append(f'{number} validation{plural(number)} {cost}{part}')
    if schedule['checkpoints']:
        number, cost = schedule['checkpoints'], duration(bill['checkpoints'])
        size = f'of {result["checkpoint"]["mib"]:.0f} MiB'
        texts.append(f'{number} checkpoint{plural(number)} {size} {cost}')
    return ', '.join(texts)


def _memory_text(memory: Mapping[str, int]) -> str:
    text = f'{memory["host"] / GIB:.2f} GiB of the host, with workers'
    if 'gpu' in memory:
        tensors = f'({memory["gpu_tensors"] / GIB:.2f} of tensors)'
        text = f'{memory["gpu"] / GIB:.2f} GiB of the GPU {tensors}, {text}'
    return text


def _shares_text(parts: Mapping[str, int]) -> str:
    return ', '.join(f'{part} {share} %' for part, share in parts.items())


def _trial_rows(result: Mapping[str, Any]) -> list[tuple[str, str]]:
    if 'remedies' not in result:
        return []
    best, rows = result['best'], []
    if best is None:
        rows.append(('helps most', 'nothing that was tried helps by 5 % or more'))
    else:
        text = f'{best["option"]}  ({best["name"]}: {best["gain"]:.2f} times as fast)'
        rows.append(('helps most', text))
    for one in result['remedies']:
        if one is best:
            continue
        gain = one['reason'] if one['gain'] is None else f'{one["gain"]:.2f} times'
        rows.append(('tried', f'{one["option"]}: {gain}'))
    rows.append(('largest batch', _largest_text(result['largest_batch'])))
    return rows


def _largest_text(found: Mapping[str, Any]) -> str:
    if 'failed' in found:
        return f'not found: the search ended with {found["failed"]}'
    text = str(found['batch'])
    if 'bytes_per_item' in found:
        text += f' ({found["bytes_per_item"] / MIB:.1f} MiB per sample)'
    if found['batch'] == found['limit']:
        text += ', which is all that the data set or the queue allows'
    return text + (
        '' if found['tested'] else '; computed, not tried: it takes too long'
    )


def plural(number: int) -> str:
    """Return the ending of a noun."""
    return '' if number == 1 else 's'


def percentages(parts: Mapping[str, float]) -> dict[str, int]:
    """Round shares to whole per cent that sum to 100: the largest rests go up.

    Args:
        parts: Shares that sum to 1.
    """
    whole = {part: int(100 * share) for part, share in parts.items()}
    rests = sorted(parts, key=lambda part: whole[part] - 100 * parts[part])
    for part in rests[: 100 - sum(whole.values())]:
        whole[part] += 1
    return whole


def duration(seconds: float) -> str:
    """Format a duration by its two largest units, e.g. 45 s, 3 min 05 s, 2 h 10 min."""
    if seconds < 99.5:
        return f'{seconds:.1f} s' if seconds < 10 else f'{seconds:.0f} s'
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f'{minutes} min {rest:02d} s'
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f'{hours} h {minutes:02d} min'
    return f'{hours // 24} d {hours % 24} h'
