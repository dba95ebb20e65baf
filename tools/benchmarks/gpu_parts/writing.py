"""Write the report: all numbers as JSON, the goals beside the figures as Markdown."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def save_report(out: Path, about: dict[str, Any], results: dict[str, Any]) -> None:
    """Write report.json and report.md.

    Args:
        out: Folder.
        about: Machine, versions and date.
        results: Of the parts so far.
    """
    content = dict(about=about, parts=results)
    (out / 'report.json').write_text(json.dumps(content, indent=2) + '\n')
    (out / 'report.md').write_text('\n'.join(lines(about, results)) + '\n')


def lines(about: dict[str, Any], results: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of the Markdown file."""
    yield '# GPU report'
    yield ''
    yield (
        f'{about["device"]}, torch {about["torch"]}, CUDA {about["cuda"]}, rsp '
        f'{about["rsp"]} ({str(about["commit"])[:9]}), {about["date"]}'
    )
    if about['tiny']:
        yield ''
        yield 'Small networks: a test of this program. The speeds mean nothing.'
    yield from ('', '| goal | wanted | got |', '|---|---:|---:|')
    for goal, wanted, got in goals(results):
        yield f'| {goal} | {wanted} | {"–" if got is None else got} |'
    yield from ('', '| part | status | seconds | |', '|---|---|---:|---|')
    for name, part in results.items():
        yield (f'| {name} | {part["status"]} | {part["seconds"]} | {summary(part)} |')
    for name, part in results.items():
        if part['status'] == 'failed':
            yield from ('', f'## {name}', '', '```text', part['traceback'], '```')


def goals(results: dict[str, Any]) -> Iterator[tuple[str, str, str | None]]:
    """Yield what is wanted, of which size, and what was found; None if unknown."""
    found = {n: part.get('result') or {} for n, part in results.items()}

    def rate(name: str) -> float | None:
        return found.get(name, {}).get('samples_per_second')

    def fits(name: str) -> str | None:
        parts = found.get(name)
        if not parts:
            return None
        verdicts = [parts] if 'fits' in parts else parts.values()
        return f'{sum(v["fits"] for v in verdicts)} of {len(verdicts)}'

    fast, slow = rate('GeRSP R50 fast'), rate('GeRSP R50 float32')
    ratio = found.get('GeRSP R50 fast', {}).get('bare_ratio')
    wait = found.get('loading', {}).get('wait')
    yield 'a step as exact as on the CPU, methods', '6 of 6', fits('parity of a step')
    yield 'device views as on the CPU, recipes', '2 of 2', fits('device views')
    share = found.get('device views', {}).get('GeRSP', {}).get('share')
    yield (
        'device views, share of a GeRSP R50 step',
        '≤ 10 %',
        None if share is None else f'{100 * share:.1f} %',
    )
    yield 'finite in half precision, methods and types', 'all', fits('half precision')
    yield 'resumed bit for bit', '1 of 1', fits('resume')
    yield 'GeRSP R50 fast, pairs/s', '≥ 1,500', number(fast)
    vit = rate('two-view ViT-S/16 fast')
    yield 'two-view ViT-S/16 fast, samples/s', '≥ 2,400', number(vit)
    speedup = None if fast is None or not slow else f'{fast / slow:.2f}'
    yield 'GeRSP R50 fast, times float32', '≥ 3', speedup
    yield (
        'GeRSP R50 fast, of a bare loop',
        '≥ 0.95',
        None if ratio is None else f'{ratio:.3f}',
    )
    yield 'wait for files', '≤ 5 %', None if wait is None else f'{100 * wait:.0f} %'


def summary(part: dict[str, Any]) -> str:
    """Return the numbers of a part in a line."""
    if part['status'] != 'done':
        return str(part['reason']).replace('|', '/')
    result, texts = part['result'], []
    if 'samples_per_second' in result:
        texts.append(f'{number(result["samples_per_second"])} samples/s')
    for key, unit in (
        ('batch', 'per step'),
        ('peak_memory_gib', 'GiB'),
        ('utilization', '% busy'),
        ('bare_ratio', 'of a bare loop'),
        ('workers', 'workers'),
        ('tensors', 'tensors'),
    ):
        if result.get(key) is not None:
            texts.append(f'{number(result[key])} {unit}')
    if 'parts' in result:
        texts += [
            f'{n} {100 * s:.0f} %' for n, s in result['parts'].items() if s > 0.005
        ]
    for name, one in result.items():
        if isinstance(one, dict) and 'views_per_second' in one:
            texts.append(f'{name}: {number(one["views_per_second"])} views/s')
    wrong = [
        name
        for name, one in result.items()
        if isinstance(one, dict) and one.get('fits') is False
    ]
    if wrong:
        texts.append(f'not: {", ".join(wrong)}')
    if 'config' in result:
        texts.append(result['config'])
    return ', '.join(texts)


def number(value: float | None) -> str | None:
    """Format a number to three digits or whole."""
    if value is None:
        return None
    return f'{value:,.0f}' if abs(value) >= 100 else f'{value:.3g}'
