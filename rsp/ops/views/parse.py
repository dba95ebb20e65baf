"""Read the recipe of a view from a list of transforms in mmpretrain's words."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rsp.errors import UserError
from rsp.ops import check
from rsp.ops.views.color_jitter import ColorJitter
from rsp.ops.views.gaussian_blur import GaussianBlur
from rsp.ops.views.gaussian_noise import GaussianNoise
from rsp.ops.views.geometry import TRIES, Geometry
from rsp.ops.views.grayscale import Grayscale
from rsp.ops.views.operation import Operation
from rsp.ops.views.recipe import ViewRecipe
from rsp.ops.views.solarize import Solarize

REMEDY = 'leave it out, or set exact_pillow=True, which runs the transforms themselves'
Step = Mapping[str, Any]
# Those whose reach is told in pixels of the view.
IN_PIXELS = (GaussianBlur, GaussianNoise)


@dataclass(frozen=True)
class ParsedView:
    """Store a recipe, and whose box it cuts.

    Attributes:
        recipe: Of the view.
        box: Position in ``view_boxes`` of the box that is cut (``rsp.CropToBox``);
            None where it is drawn.
    """

    recipe: ViewRecipe
    box: int | None = None


def parse_view(steps: Sequence[Step], bands: int = 3) -> ParsedView:
    """Read a recipe from the configs of transforms.

    Known are RandomResizedCrop, Resize, rsp.CropToBox; RandomFlip, rsp.RandomRotate90;
    ColorJitter, RandomGrayscale, Solarize, GaussianBlur, those of rsp, rsp.RandomBlur,
    rsp.GaussianNoise; and RandomApply of one of these. Resizing is always antialiased,
    whatever ``backend`` says.

    Args:
        steps: Configs, in the order in which they would run.
        bands: Of the images.

    Raises:
        UserError: If a transform or an argument is not known, or means nothing of so
            many bands; with the remedy.
    """
    geometry: dict[str, Any] = {}
    operations: list[Operation] = []
    for step in steps:
        part = _read(step, bands)
        if isinstance(part, Operation):
            if isinstance(part, IN_PIXELS) and 'size' not in geometry:
                raise _refusal(step, 'after the crop, whose pixels it counts', 'before')
            operations.append(part)
            continue
        if twice := geometry.keys() & part.keys():
            raise _refusal(
                step, f'{sorted(twice)[0]} of a view to be told once', 'twice'
            )
        geometry |= part
    box = geometry.pop('box', None)
    if 'size' not in geometry:
        raise UserError(
            'expected RandomResizedCrop, Resize or rsp.CropToBox among the transforms '
            f'of a view, got {[name_of(step) for step in steps]}; add one, which gives '
            'all views one size.'
        )
    height, width = geometry['size']
    if geometry.get('turn') and height != width:
        raise UserError(
            f'expected square views for rsp.RandomRotate90, got {height} x {width}; '
            'make them square, or leave it out.'
        )
    return ParsedView(ViewRecipe(Geometry(**geometry), tuple(operations)), box)


def name_of(step: Step) -> str:
    """Return the name of a transform: with ``rsp.`` if it is ours, else without any."""
    kind = step.get('type', '')
    if isinstance(kind, type):
        kind = f'{kind.__module__.partition(".")[0]}.{kind.__name__}'
    scope, _, name = str(kind).rpartition('.')
    return f'rsp.{name}' if scope == 'rsp' else name


def _read(step: Step, bands: int) -> Operation | dict[str, Any]:
    name = name_of(step)
    if name not in READERS:
        raise _refusal(step, f'one of {", ".join(READERS)} as transforms of fast views')
    arguments = {key: value for key, value in step.items() if key != 'type'}
    reader = READERS[name]
    if 'bands' in inspect.signature(reader).parameters:
        arguments['bands'] = bands
    for key in ('crop_ratio_range', 'aspect_ratio_range'):
        if key in arguments:
            # Equal ones, such as (1, 1), always cut the same share.
            check.rising_pairs(f"'{key}' of {name}", arguments[key], equal=True)
    for key in ('prob', 'scale', 'size'):
        value = arguments.get(key, 1)
        for number in value if isinstance(value, list | tuple) and value else [value]:
            if key == 'prob':
                check.between(f"'prob' of {name}", value, 0, 1)
            else:
                check.at_least(f"'{key}' of {name}", number, 1)
    try:
        inspect.signature(reader).bind(**arguments)
    except TypeError as error:
        raise _refusal(step, f'arguments that fast views know ({error})') from None
    return reader(**arguments)


def _crop(
    scale: int | Sequence[int],
    crop_ratio_range: Sequence[float] = (0.08, 1.0),
    aspect_ratio_range: Sequence[float] = (3 / 4, 4 / 3),
    max_attempts: int = TRIES,
    interpolation: str = 'bilinear',
    backend: str = 'cv2',
) -> dict[str, Any]:
    _only('max_attempts', max_attempts, (TRIES,))
    height, width = (scale, scale) if isinstance(scale, int) else scale
    return dict(
        size=(height, width),
        area=tuple(crop_ratio_range),
        aspect=tuple(aspect_ratio_range),
        cubic=_is_cubic(interpolation),
    )


def _resize(
    scale: int | Sequence[int],
    keep_ratio: bool = False,
    interpolation: str = 'bilinear',
    backend: str = 'cv2',
) -> dict[str, Any]:
    _only('keep_ratio', keep_ratio, (False,))
    # Width and height here, as mmcv has it.
    width, height = (scale, scale) if isinstance(scale, int) else scale
    return dict(size=(height, width), area=None, cubic=_is_cubic(interpolation))


def _crop_to_box(
    view: int, size: int = 224, interpolation: str = 'bilinear'
) -> dict[str, Any]:
    _only('view', view, (0, 1))
    return _resize(size, interpolation=interpolation) | dict(box=view)


def _flip(prob: float, direction: str = 'horizontal') -> dict[str, Any]:
    _only('direction', direction, ('horizontal', 'vertical'))
    return {'mirror' if direction == 'horizontal' else 'upside_down': prob}


def _turn(prob: float = 0.5) -> dict[str, Any]:
    return dict(turn=prob)


def _jitter(
    bands: int,
    brightness: Any = 0,
    contrast: Any = 0,
    saturation: Any = 0,
    hue: Any = 0,
    backend: str = 'pillow',
    per_band: bool = True,
) -> Operation:
    of_colors = around(1, saturation, 0), around(0, hue, -0.5, 0.5)
    if bands != 3 and of_colors != ((1, 1), (0, 0)):
        raise UserError(
            'expected three bands to change saturation and hue in rsp.ColorJitter, got '
            f'{bands}; set saturation=0 and hue=0.'
        )
    return ColorJitter(
        around(1, brightness, 0),
        around(1, contrast, 0),
        *of_colors,
        bands=bands,
        per_band=per_band and bands != 3,
    )


def around(
    center: float, given: Any, low: float, high: float = float('inf')
) -> tuple[float, float]:
    """Return the range that one number or two give, as mmpretrain's ColorJitter."""
    if not isinstance(given, Sequence):
        check.at_least('strength of a ColorJitter', given, 0)
        given = (center - given, center + given)
    return min(max(given[0], low), high), min(max(given[1], low), high)


def _gray(
    bands: int,
    prob: float = 0.5,
    keep_channels: bool = False,
    channel_weights: Sequence[float] = (1.0, 1.0, 1.0),
    color_format: str = 'bgr',
) -> Operation:
    _only('keep_channels', keep_channels, (True,))
    _only('color_format', color_format, ('bgr', 'rgb'))
    return Grayscale(bands, prob, channel_weights)


def _gray_of_any(
    bands: int, prob: float = 0.1, channel_weights: Sequence[float] | None = None
) -> Operation:
    return Grayscale(bands, prob, channel_weights)


def _blur(
    radius: float | None = None,
    prob: float = 0.5,
    magnitude_range: Sequence[float] | None = None,
    magnitude_std: str | float = 0.0,
) -> Operation:
    _only('magnitude_std', magnitude_std, ('inf', 0))
    if magnitude_range is None:
        if radius is None:
            raise UserError("expected 'radius' or 'magnitude_range' of GaussianBlur.")
        return GaussianBlur((radius, radius), prob)
    low, high = magnitude_range
    return GaussianBlur((low if magnitude_std == 'inf' else high, high), prob)


def _blur_by_kernel(
    kernel: Sequence[int] = (3, 7),
    sigma: Sequence[float] = (0.1, 2.0),
    prob: float = 1.0,
) -> Operation:
    sizes = tuple(range(kernel[0], kernel[1] + 1, 2))
    return GaussianBlur((sigma[0], sigma[1]), prob, sizes)


def _noise(variance: Sequence[float] = (10.0, 50.0), prob: float = 0.6) -> Operation:
    return GaussianNoise((variance[0], variance[1]), prob)


def _solarize(thr: float, prob: float = 0.5) -> Operation:
    return Solarize(thr / 255, prob)


def _solarize_any(threshold: float = 0.5, prob: float = 0.5) -> Operation:
    return Solarize(threshold, prob)


def _apply(
    bands: int, transforms: Step | Sequence[Step], prob: float = 0.5
) -> Operation:
    inner = [transforms] if isinstance(transforms, Mapping) else transforms
    parts = [_read(step, bands) for step in inner]
    if len(parts) != 1 or not isinstance(parts[0], Operation):
        names = [name_of(step) for step in inner]
        raise UserError(
            f'expected RandomApply of one transform of values, got {names}; {REMEDY}.'
        )
    parts[0].prob *= prob
    return parts[0]


READERS: dict[str, Callable[..., Operation | dict[str, Any]]] = {
    'RandomResizedCrop': _crop,
    'Resize': _resize,
    'rsp.CropToBox': _crop_to_box,
    'RandomFlip': _flip,
    'rsp.RandomRotate90': _turn,
    'ColorJitter': _jitter,
    'rsp.ColorJitter': _jitter,
    'RandomGrayscale': _gray,
    'rsp.RandomGrayscale': _gray_of_any,
    'GaussianBlur': _blur,
    'rsp.RandomBlur': _blur_by_kernel,
    'rsp.GaussianNoise': _noise,
    'Solarize': _solarize,
    'rsp.RandomSolarize': _solarize_any,
    'RandomApply': _apply,
}


def _is_cubic(interpolation: str) -> bool:
    _only('interpolation', interpolation, ('bilinear', 'bicubic'))
    return interpolation == 'bicubic'


def _only(name: str, value: Any, known: Sequence[Any]) -> None:
    if value not in known:
        choices = ' or '.join(map(repr, known))
        raise UserError(
            f'expected {name}={choices} in fast views, got {value!r}; set '
            'exact_pillow=True, which runs the transforms themselves.'
        )


def _refusal(step: Step, expected: str, got: str = '') -> UserError:
    got = f'{got} in {dict(step)}' if got else f'{dict(step)}'
    return UserError(f'expected {expected}, got {got}; {REMEDY}.')
