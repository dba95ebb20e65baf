"""Embed figures of matplotlib in a page, as SVG images."""

import base64
import io

import matplotlib
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

# Of all pages of this project.
INK, SOFT, LINE, PAPER = '#22303a', '#66757f', '#cfd9de', '#eef3f5'
ACCENT, WARM = '#2c6e63', '#b5651d'


def to_data_uri(figure: Figure) -> str:
    """Return a figure as an SVG image for the ``src`` of an ``img``."""
    buffer = io.BytesIO()
    FigureCanvasSVG(figure)
    figure.patch.set_visible(False)
    # Text stays text, in a font of the reader's, and the file small.
    with matplotlib.rc_context({'svg.fonttype': 'none', 'svg.hashsalt': 'rsp'}):
        figure.savefig(buffer, format='svg', metadata={'Date': None})
    return 'data:image/svg+xml;base64,' + base64.b64encode(buffer.getvalue()).decode()
