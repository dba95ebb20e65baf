"""Drawing the parts of a picture: panels with titles, and a legend."""

from collections.abc import Sequence

import cv2
import numpy as np

BLACK, RED, MAGENTA = (0,) * 3, (220, 0, 0), (255, 0, 255)
LIGHT, DARK = (170,) * 3, (110,) * 3
# Margin and line in pixels, and font scale, for panels up to 640 px wide.
GAP, LINE, TEXT = 8, 22, 0.5
FONT = cv2.FONT_HERSHEY_SIMPLEX


def hatch(size: tuple[int, ...], period: int = 8) -> np.ndarray:
    """Slanted lines, True on every other one; shape (H, W)."""
    rows, columns = np.indices(size)
    return (rows + columns) % period < period // 2


def paint_errors(
    image: np.ndarray, wrong: np.ndarray, ignored: np.ndarray
) -> np.ndarray:
    """Paint wrong pixels red and hatch ignored ones, on a pale gray image.

    Args:
        image: RGB, shape (H, W, 3), uint8.
        wrong: Shape (H, W), bool.
        ignored: Shape (H, W), bool.
    """
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    picture = np.repeat((128 + gray // 3)[..., None], 3, axis=2)
    picture[wrong] = RED
    picture[ignored & hatch(wrong.shape)] = DARK
    return picture


def add_title(title: str, panel: np.ndarray, unit: int) -> np.ndarray:
    """Frame a panel and write its title above; ``unit`` scales margin and text."""
    height, width = panel.shape[:2]
    line, gap = unit * LINE, unit * GAP
    canvas = np.full((height + line + gap, width + 2 * gap, 3), 255, np.uint8)
    canvas[line : line + height, gap : gap + width] = panel
    cv2.rectangle(canvas, (gap - 1, line - 1), (gap + width, line + height), DARK, 1)
    _write(canvas, title, gap, line - 7 * unit, unit)
    return canvas


def draw_legend(
    entries: list[tuple[str, Sequence[int] | None]], width: int, unit: int
) -> np.ndarray:
    """Draw the legend in as many lines as the width needs.

    Args:
        entries: Names with their colors; None is hatched.
        width: Pixels.
        unit: Scales margins and text.
    """
    line, gap, patch = unit * LINE, unit * GAP, unit * (LINE - 6)
    places, x, row = [], gap, 0
    for name, color in entries:
        (text, _), _ = cv2.getTextSize(name, FONT, unit * TEXT, unit)
        needed = line + text + 3 * gap
        if x > gap and x + needed > width:
            x, row = gap, row + 1
        places.append((name, color, x, row * (line + gap // 2)))
        x += needed
    strip = np.full(((row + 1) * (line + gap // 2) + gap, width, 3), 255, np.uint8)
    for name, color, left, top in places:
        box = strip[top : top + patch, left : left + line]
        hatched = np.where(hatch(box.shape[:2])[..., None], LIGHT, DARK)
        box[:] = hatched if color is None else color
        corner = (left + line - 1, top + patch - 1)
        cv2.rectangle(strip, (left, top), corner, BLACK, 1)
        _write(strip, name, left + line + gap // 2, top + patch - 3 * unit, unit)
    return strip


def _write(canvas: np.ndarray, text: str, x: int, y: int, unit: int) -> None:
    cv2.putText(
        canvas, text, (x, y), FONT, unit * TEXT, BLACK, unit, lineType=cv2.LINE_AA
    )
