"""Drawings for the datasheet, as SVG inside the page."""

import math

import numpy as np

from rsp.prepare.scan.band_statistics import BandStatistics

WIDTH, HEIGHT = 230, 92
BINS = 64


def histogram(band: BandStatistics, colour: str) -> str:
    """Draw how often which values occur, between the 0.1st and 99.9th percentile.

    Args:
        band: Statistics of one band, of at least one value.
        colour: CSS colour of the bars.
    """
    low, high = band.percentiles([0.1, 99.9])
    if high <= low:
        low, high = low - 0.5, low + 0.5
    values, counts = band.histogram()
    whole = bool(np.all(values == np.round(values)))
    # Bins of whole numbers each hold equally many of them.
    step = max(math.ceil((high - low) / BINS), 1) if whole else (high - low) / BINS
    edges = np.arange(low, high + step, step) - (0.5 if whole else 0)
    edges = np.append(edges, edges[-1] + step) if edges[-1] < high else edges
    heights, _ = np.histogram(values, edges, weights=counts)
    heights = heights / max(heights.max(), 1)
    width = WIDTH / len(heights)
    bars = ''.join(
        f'M{n * width:.1f} {HEIGHT}v{-h * (HEIGHT - 6):.1f}h{width:.2f}'
        f'v{h * (HEIGHT - 6):.1f}z'
        for n, h in enumerate(heights)
    )
    mean = (band.mean - edges[0]) / (edges[-1] - edges[0]) * WIDTH
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT + 16}" class="histogram" role="img">'
        f'<path d="{bars}" fill="{colour}"/>'
        f'<line x1="{mean:.1f}" x2="{mean:.1f}" y1="0" y2="{HEIGHT}" class="mean"/>'
        f'<line x1="0" x2="{WIDTH}" y1="{HEIGHT}" y2="{HEIGHT}" class="axis"/>'
        f'<text x="0" y="{HEIGHT + 13}">{low:.4g}</text>'
        f'<text x="{WIDTH}" y="{HEIGHT + 13}" text-anchor="end">{high:.4g}</text>'
        '</svg>'
    )


def round_length(longest: float) -> float:
    """The largest 1, 2 or 5 times a power of ten that is not longer."""
    power = 10 ** math.floor(math.log10(longest))
    return max(step * power for step in (1, 2, 5) if step * power <= longest)


def bars(rows: list[tuple[str, int]], unit: str) -> str:
    """Draw a table of counts with a bar each.

    Args:
        rows: Escaped names and counts.
        unit: What is counted.
    """
    most = max(count for _, count in rows)
    lines = ''.join(
        f'<tr><td>{name}</td><td class="number">{count:,}</td>'
        f'<td class="bar"><i style="width:{100 * count / most:.1f}%"></i></td></tr>'
        for name, count in rows
    )
    return (
        f'<table class="bars"><tr><th></th><th>{unit}</th><th></th></tr>{lines}</table>'
    )
