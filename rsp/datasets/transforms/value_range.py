"""Know what black and white are in images of any type."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform

from rsp.errors import UserError
from rsp.ops import check
from rsp.registry import TRANSFORMS

# Transforms of the mm-libraries that take three bands for red, green and blue, and ours
# instead. Of four bands, most drop the last or take it for alpha without a word.
COLORS = dict(
    ColorJitter='rsp.ColorJitter',
    PhotoMetricDistortion='rsp.ColorJitter',
    ColorTransform='rsp.ColorJitter',
    Contrast='rsp.ColorJitter',
    YOLOXHSVRandomAug='rsp.ColorJitter',
) | dict.fromkeys(
    (
        'AutoAugment AutoContrast CLAHE Color Equalize Lighting RGB2Gray RandAugment'
    ).split()
)
# Those that take 0 to 255 for granted.
EIGHT_BITS = (
    COLORS
    | dict(
        Brightness='rsp.ColorJitter',
        GaussianBlur='rsp.RandomBlur',
        Solarize='rsp.RandomSolarize',
    )
    | dict.fromkeys('AdjustGamma Invert Posterize Sharpness SolarizeAdd'.split())
)


def refuse_eight_bit_transforms(steps: Any, what: str) -> None:
    """Refuse transforms in a pipeline that would take other numbers for 8 bits.

    Most do so without a word: ``Solarize`` leaves reflectances as they are, and
    ``Contrast`` cuts them to whole numbers.

    Args:
        steps: Config of a pipeline or of a part of it.
        what: Description of the images, for the message.

    Raises:
        UserError: If there is one; the message names what to take instead.
    """
    _refuse(steps, EIGHT_BITS, what, '0 to 255')


def refuse_color_transforms(steps: Any, what: str) -> None:
    """Refuse transforms that would take other bands for red, green and blue.

    See `refuse_eight_bit_transforms`. Pillow, too, takes the last of two or four bands
    for alpha when it resizes.
    """
    _refuse(steps, COLORS, what, 'red, green and blue in 8 bits')


def _refuse(
    steps: Any, refused: Mapping[str, str | None], what: str, meant: str
) -> None:
    if isinstance(steps, Mapping):
        name = steps.get('type')
        if isinstance(name, type):
            name = f'{name.__module__.partition(".")[0]}.{name.__name__}'
        scope, _, kind = name.rpartition('.') if isinstance(name, str) else ('', '', '')
        if scope != 'rsp' and kind in refused:
            ours = refused[kind]
            remedy = f'take {ours}' if ours else 'leave it out'
            raise UserError(
                f"expected transforms that take {what}, got '{name}' in the pipeline, "
                f'which is for {meant}; {remedy}.'
            )
        colors = [k for k in ('saturation', 'hue') if _is_change(steps.get(k, 0), k)]
        if kind == 'ColorJitter' and colors:
            raise UserError(
                f'expected transforms that take {what}, got rsp.ColorJitter with '
                f'{" and ".join(colors)} in the pipeline, which means nothing of other '
                f'than three bands in 8 bits; set {" and ".join(colors)} to 0.'
            )
        if steps.get('backend') == 'pillow':
            raise UserError(
                f"expected transforms that take {what}, got backend='pillow' of "
                f"'{name}' in the pipeline; set backend='cv2' there."
            )
        steps = list(steps.values())
    if isinstance(steps, list | tuple):
        for step in steps:
            _refuse(step, refused, what, meant)


def _is_change(given: Any, name: str) -> bool:
    """Tell whether an argument of ColorJitter changes anything."""
    center = 0 if name == 'hue' else 1
    pair = list(given) if isinstance(given, list | tuple) else [center + given] * 2
    return pair != [center, center]


def value_range(results: dict[str, Any], asks: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the values of ``img`` that count as black and white.

    Args:
        results: ``img``, of one band or shape (H, W, C); ``value_range``, which
            ``rsp.SceneDataset`` and `SetValueRange` write: low and high, or such a pair
            per band. Without it 8-bit images go from 0 to 255.
        asks: Name of the transform, for the message.

    Returns:
        Low and high, each (C,), float32, in the order of the bands.

    Raises:
        UserError: If the range is not known, or of another number of bands.
    """
    image = results['img']
    bands = image.shape[2] if image.ndim == 3 else 1
    given = results.get('value_range')
    if given is None:
        if image.dtype != np.uint8:
            raise UserError(
                f'{asks} expects to know which values are black and white, got none '
                f"for {bands} bands of {image.dtype} in '{results.get('img_path')}'; "
                "set 'value_range' in 'reflectance' of rsp.SceneDataset, e.g. "
                'value_range=(0, 1), or put rsp.SetValueRange before it.'
            )
        given = (0, 255)
    limits = np.asarray(given, np.float32)
    if limits.ndim == 2:
        check.equal(
            "pairs in 'value_range', one per band,",
            len(limits),
            bands,
            'give a pair per band, or one for all',
        )
    low, high = np.broadcast_to(limits, (bands, 2)).T
    return low, high


def band_means(values: np.ndarray) -> np.ndarray:
    """Return the mean of each band, (C,), float64, of floats (H, W, C)."""
    height, width, bands = values.shape
    # Along the rows first: across all pixels of a band NumPy takes ten times as long.
    sums = values.reshape(height, -1).sum(0).reshape(width, bands).sum(0, np.float64)
    return sums / (height * width)


def map_bands(values: np.ndarray, share: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Multiply bands by shares and add shifts, in place where that can be.

    Args:
        values: Shape (H, W, C), float32.
        share: Per band, shape (C,).
        shift: Likewise.
    """
    height, width, _ = values.shape
    # Line by line: factors of a few bands are spread over the pixels slowly.
    lines = np.ascontiguousarray(values).reshape(height, -1)
    np.multiply(lines, np.tile(share.astype(np.float32), width), out=lines)
    np.add(lines, np.tile(shift.astype(np.float32), width), out=lines)
    return lines.reshape(values.shape)


def in_type_of(values: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Return values as the type of an image, (H, W, C); whole numbers are clipped.

    Floats are left beyond black and white: a cloud is brighter than a reflectance of 1.
    """
    if image.dtype.kind in 'iu':
        info = np.iinfo(image.dtype)
        values = np.rint(values).clip(info.min, info.max)
    return values.astype(image.dtype).reshape(image.shape)


@TRANSFORMS.register_module()
class SetValueRange(BaseTransform):
    """Tell the transforms that follow which values are black and white.

    For images of more than 8 bits, or of floats, that another data set than
    ``rsp.SceneDataset`` loads.

    Added key: ``value_range``.

    Args:
        value_range: Low and high, or such a pair per band.
    """

    def __init__(self, value_range: Sequence) -> None:
        check.rising_pairs("'value_range' of rsp.SetValueRange", value_range)
        self.value_range = value_range

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add ``value_range``."""
        results['value_range'] = self.value_range
        return results
