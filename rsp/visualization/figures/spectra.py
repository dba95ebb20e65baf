"""Plot how much of each spatial frequency images hold."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rsp.visualization.figures.image_grid import new_figure, plain
from rsp.visualization.figures.probe_curves import COLORS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TICKS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)


def plot_spectra(models: Sequence[Mapping[str, Any]]) -> 'Figure':
    """Plot amplitudes of reconstructed images beside those of clean and masked ones.

    Args:
        models: Each with ``name``, ``size`` (pixels), ``relative_error`` and
            ``amplitudes``: of ``clean``, ``masked`` and ``reconstructed`` a number per
            ring of frequencies, the first one of the mean.
    """
    figure = new_figure(5 * len(models), 4)
    axes = figure.subplots(1, len(models), squeeze=False)[0]
    styles = dict(clean='black', masked='#999999', reconstructed=COLORS[0])
    for place, model in zip(axes, models, strict=True):
        for label, color in styles.items():
            values = model['amplitudes'][label]
            frequencies = [ring / model['size'] for ring in range(1, len(values))]
            place.plot(frequencies, values[1:], color=color, label=label)
        error = model['relative_error']
        place.set_title(plain(f'{model["name"]}: error {error:.2f} of the fill'))
        place.set(xlabel='frequency, cycles per pixel', xscale='log', yscale='log')
        ticks = [tick for tick in TICKS if tick >= 1 / model['size']]
        place.set_xticks(ticks, [f'{tick:g}' for tick in ticks])
        place.minorticks_off()
        place.spines[['top', 'right']].set_visible(False)
        place.grid(alpha=0.3)
    axes[0].set(ylabel='mean amplitude, normalized pixels')
    axes[0].legend(frameon=False)
    return figure
