"""Arrange panels with titles and legends to one picture."""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

Color = tuple[int, ...]
BLACK, WHITE, LIGHT, GRAY, DARK = ((v,) * 3 for v in (0, 255, 200, 170, 110))
# Margin and line in pixels, and font scale, for panels of about 640 px.
GAP, LINE, TEXT = 8, 22, 0.5
FONT = cv2.FONT_HERSHEY_SIMPLEX
HATCHED: Color = ()


class Entry(NamedTuple):
    """Describe one item of a legend.

    Attributes:
        text: Name.
        color: RGB of the patch before it, `HATCHED`, or None for the text alone.
    """

    text: str
    color: Color | None = None


class Panel(NamedTuple):
    """Hold one image of a picture.

    Attributes:
        title: Line above it.
        image: RGB, shape (H, W, 3), uint8.
        legend: Items between title and image.
    """

    title: str
    image: np.ndarray
    legend: Sequence[Entry] = ()


def arrange(
    panels: Sequence[Panel],
    legend: Sequence[Entry] = (),
    min_size: int = 1,
    stacked: bool = False,
) -> np.ndarray:
    """Arrange panels of one size in a row or column, with a common legend below.

    Args:
        panels: At least one.
        legend: Items below all panels.
        min_size: See `enlarge`.
        stacked: Whether they stand one above the other.

    Returns:
        RGB, uint8. Images of a row stand at one height.
    """
    panels = [panel._replace(image=enlarge(panel.image, min_size)) for panel in panels]
    # Lettering grows with the picture.
    unit = max(1, round(panels[0].image.shape[1] / 640))
    blocks = [_frame(panel, unit) for panel in panels]
    if not stacked:
        height = max(len(block) for block in blocks)
        above = [((height - len(block), 0), (0, 0), (0, 0)) for block in blocks]
        blocks = [
            np.pad(block, pad, constant_values=255)
            for block, pad in zip(blocks, above, strict=True)
        ]
    picture = np.concatenate(blocks, axis=0 if stacked else 1)
    return np.concatenate([picture, _draw_legend(legend, picture.shape[1], unit)])


def enlarge(image: np.ndarray, min_size: int) -> np.ndarray:
    """Enlarge an image by a whole factor to a least width; pixels stay square."""
    factor = -(-min_size // image.shape[1])
    return image.repeat(factor, axis=0).repeat(factor, axis=1)


def hatch(size: tuple[int, ...], period: int = 8) -> np.ndarray:
    """Return slanted lines, True on every other one; shape (H, W)."""
    rows, columns = np.indices(size)
    return (rows + columns) % period < period // 2


def write(
    image: np.ndarray,
    text: str,
    place: tuple[int, int],
    unit: float = 1,
    outlined: bool = False,
) -> None:
    """Write a line into an image, in black, or in white with a black outline.

    Args:
        image: RGB, changed in place.
        text: ASCII.
        place: Left and baseline, pixels.
        unit: Scales the letters.
        outlined: For text on a photo.
    """
    bold = max(1, round(unit))
    if outlined:
        cv2.putText(image, text, place, FONT, unit * TEXT, BLACK, 3, cv2.LINE_AA)
    ink = WHITE if outlined else BLACK
    cv2.putText(image, text, place, FONT, unit * TEXT, ink, bold, cv2.LINE_AA)


def text_width(text: str, unit: float = 1) -> int:
    """Return the width of a line in pixels."""
    return cv2.getTextSize(text, FONT, unit * TEXT, max(1, round(unit)))[0][0]


def _frame(panel: Panel, unit: int) -> np.ndarray:
    """Frame an image, with title and legend above it and margins around it."""
    height, width = panel.image.shape[:2]
    gap = unit * GAP
    title = np.full((unit * LINE, width + 2 * gap, 3), 255, np.uint8)
    write(title, panel.title, (gap, unit * (LINE - 7)), unit)
    body = np.full((height + gap, width + 2 * gap, 3), 255, np.uint8)
    body[:height, gap : gap + width] = panel.image
    legend = _draw_legend(panel.legend, width + 2 * gap, unit)
    block = np.concatenate([title, legend, body])
    top = len(title) + len(legend)
    corners = (gap - 1, top - 1), (gap + width, top + height)
    cv2.rectangle(block, *corners, DARK, 1)
    return block


def _draw_legend(entries: Sequence[Entry], width: int, unit: int) -> np.ndarray:
    """Draw a legend in as many lines as the width needs; shape (h, width, 3)."""
    line, gap, patch = unit * LINE, unit * GAP, unit * (LINE - 6)
    places, x, row = [], gap, 0
    for text, color in entries:
        indent = 0 if color is None else line + gap // 2
        needed = indent + text_width(text, unit)
        if x > gap and x + needed > width:
            x, row = gap, row + 1
        places.append((x, row * line, indent))
        x += needed + 2 * gap
    rows = row + 1 if entries else 0
    strip = np.full((rows * line + gap * bool(entries), width, 3), 255, np.uint8)
    for (text, color), (left, top, indent) in zip(entries, places, strict=True):
        if color is not None:
            box = strip[top : top + patch, left : left + line]
            box[:] = color or np.where(hatch(box.shape[:2])[..., None], GRAY, DARK)
            corner = (left + line - 1, top + patch - 1)
            cv2.rectangle(strip, (left, top), corner, BLACK, 1)
        write(strip, text, (left + indent, top + patch - 3 * unit), unit)
    return strip
