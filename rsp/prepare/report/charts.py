"""Draw the histograms of the report."""

import math
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from rsp.prepare.scan.band_statistics import BandStatistics
from rsp.visualization.figures.svg import INK, SOFT, to_data_uri

MOST_BINS = 64


def draw_histogram(band: BandStatistics, color: str) -> str:
    """Draw the histogram and the mean of a band; return a data URI.

    Args:
        band: Statistics of one band, of at least one value.
        color: Of the bars.
    """
    counts, edges = bin_values(band)
    figure = Figure(figsize=(2.6, 1.2), layout='constrained')
    axes = figure.add_subplot()
    axes.stairs(counts, edges, fill=True, color=color)
    axes.axvline(band.mean, color=INK, linestyle=(0, (3, 3)), linewidth=1)
    axes.set(xlim=(edges[0], edges[-1]), ylim=(0, None), yticks=[])
    labels = [f'{value:.4g}' for value in _range(band)]
    low, high = axes.set_xticks([edges[0], edges[-1]], labels)
    low.label1.set_horizontalalignment('left')
    high.label1.set_horizontalalignment('right')
    axes.tick_params(length=0, labelsize=9, labelcolor=SOFT)
    axes.spines[['left', 'top', 'right']].set_visible(False)
    axes.spines.bottom.set_color(SOFT)
    return to_data_uri(figure)


def bin_values(band: BandStatistics) -> tuple[NDArray[Any], NDArray[Any]]:
    """Count values in bins between the 0.1st and the 99.9th percentile.

    Returns:
        Counts, shape (B,), and edges, shape (B + 1,), B up to `MOST_BINS` + 1; bins of
        whole numbers each hold equally many of them.
    """
    low, high = _range(band)
    values, counts = band.histogram()
    whole = bool(np.all(values == np.round(values)))
    step = (high - low) / MOST_BINS
    if whole:
        step = max(math.ceil(step), 1)
    edges = np.arange(low, high + step, step) - (0.5 if whole else 0)
    edges = np.append(edges, edges[-1] + step) if edges[-1] < high else edges
    heights, _ = np.histogram(values, edges, weights=counts)
    return heights, edges


def _range(band: BandStatistics) -> tuple[float, float]:
    low, high = band.percentiles([0.1, 99.9])
    return (low, high) if high > low else (low - 0.5, low + 0.5)
