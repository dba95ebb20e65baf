"""Judge pixels: scale, order and number of bands, normalization, content."""

import math
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from rsp.engine.pixel_guard.expectation import Expectation
from rsp.engine.pixel_guard.observation import Observation
from rsp.errors import shorten

# Ratios of scales that are met, and what the larger of the two is when the other is
# what stands behind it.
SCALES = {
    10.0: 'values times 10',
    39.2: 'digital numbers up to 10,000, and values of 0-255',
    100.0: 'per cent, and shares of 1',
    255.0: 'values of 0-255, and values of 0-1',
    257.0: 'values of 16 bits, and values of 8 bits',
    1000.0: 'values times 1,000',
    10000.0: 'digital numbers up to 10,000, and reflectances of 0-1',
    65535.0: 'values of 16 bits, and values of 0-1',
}
# Deviations of right data differ from those of general statistics by up to 4.
LEAST_SCALE = 4.5
# Standard scores that the mean of right images may have: of statistics made for these
# images; made for any image; or where the first images are no fair sample.
FAR, FAR_GENERAL, FAR_UNSHUFFLED = 1.0, 2.1, 1.75
MOSTLY = 0.5
# Fewer images say little of all.
FAIR_SAMPLE = 16
# Rules that need no sample.
EXACT = ('finite', 'bands', 'order')
# Images may be this dark, at night or over deep water, rather than in another scale.
DARKEST = 1 / 20


@dataclass(frozen=True)
class Finding:
    """Hold what is wrong with the pixels, in one line.

    Attributes:
        rule: Name of the rule, to be switched off by.
        text: Expected, got, remedy.
        certain: Whether no right set-up looks like this.
    """

    rule: str
    text: str
    certain: bool = False


Rule = Callable[[Observation, Expectation], Iterator[Finding]]


def find_pixel_faults(seen: Observation, expected: Expectation) -> list[Finding]:
    """Apply the rules to what was seen; later ones only if the earlier ones pass.

    Some images that are not finite are damaged ones, which tell nothing of the set-up.
    """
    damaged: list[Finding] = []
    for stage in STAGES:
        found = [finding for rule in stage for finding in rule(seen, expected)]
        if found and seen.images < FAIR_SAMPLE:
            # A few images may well be dark, flat or of one color.
            found = [f for f in found if f.certain]
            found = [replace(f, certain=f.rule in EXACT) for f in found]
        if any(finding.certain or finding.rule != 'finite' for finding in found):
            return damaged + found
        damaged += found
    return damaged


def _finite(seen: Observation, expected: Expectation) -> Iterator[Finding]:
    if not seen.finite:
        yield Finding(
            'finite',
            'expected finite pixels, got NaN or infinity; declare no-data values of '
            'the files (gdal_edit.py -a_nodata nan), or leave the files out',
            # Of a few, `NonFiniteHook` names the files, and skips the steps or stops.
            certain=not seen.some_finite,
        )


def _divisor(seen: Observation, expected: Expectation) -> Iterator[Finding]:
    if expected.std is not None and min(expected.std) <= 0:
        yield Finding(
            'finite',
            f'expected deviations above 0 to divide by, got {min(expected.std):g} in '
            "'std'; set that of the band, or leave out a band without content",
            certain=True,
        )


def _number(seen: Observation, expected: Expectation) -> Iterator[Finding]:
    for number in seen.channels:
        if expected.channels not in (None, number):
            yield Finding(
                'bands',
                f'expected {expected.channels} bands as the first layer of '
                f"model.backbone takes, got {number}; choose the data set's bands, or "
                f'set model.backbone.in_channels={number}',
                certain=True,
            )


def _content(seen: Observation, expected: Expectation) -> Iterator[Finding]:
    if not seen.valid:
        yield Finding(
            'nodata',
            f'expected images with content, got {seen.images} that are 0 everywhere; '
            'look at the files, their no-data value and the stretch',
            certain=True,
        )
        return
    if seen.empty_share > MOSTLY:
        yield Finding(
            'nodata',
            f'expected at most half of the pixels without data, got '
            f'{seen.empty_share:.0%}; bound rejection.max_nodata of the data set, or '
            'leave such files out',
        )
    names = _names(seen, expected)
    flat = [n for n, share in zip(names, seen.constant, strict=True) if share > 0.9]
    if flat:
        yield Finding(
            'constant',
            f'expected bands with content, got one value only in {_list(flat)} of '
            "almost every image; choose other 'bands', or leave out files without them",
        )
    if seen.dtype == torch.uint8:
        yield from _bits(seen, names)


def _bits(seen: Observation, names: list[str]) -> Iterator[Finding]:
    """Judge images of 8 bits."""
    if float(seen.maximum.max()) <= 40:
        yield Finding(
            'dark',
            f'expected 8-bit images that use 0-255, got {seen.maximum.max():.0f} as '
            'the largest value: values of more bits that were cut or divided; stretch '
            "them by the data set's 'stretch', or make the files anew",
        )
        return
    for end, shares in zip((0, 255), seen.at_ends, strict=True):
        clipped = [n for n, s in zip(names, shares, strict=True) if s > MOSTLY]
        if clipped:
            yield Finding(
                'clipped',
                f'expected few pixels at {end}, got {shares.max():.0%} of '
                f'{_list(clipped)}: clipped values; mend the limits of the stretch',
            )


def _identical(seen: Observation, expected: Expectation) -> Iterator[Finding]:
    names = _names(seen, expected)
    pairs = [(a, b) for a, b in seen.identical if seen.constant[[a, b]].max() <= 0.9]
    chosen_twice = len(set(expected.bands)) < len(expected.bands)
    if not pairs or (len(names) == 3 and not chosen_twice):
        return  # nothing, or pictures that may well be gray
    same = sorted({index for pair in pairs for index in pair})
    yield Finding(
        'identical',
        f'expected {len(names)} different bands, got the same pixels in '
        f'{_list([names[i] for i in same])}: gray images, or one band read twice; mend '
        "'bands' or the files if they hold more",
    )


def _unit(seen: Observation, expected: Expectation) -> Iterator[Finding]:
    """Judge pixels that are divided by a number only, to lie between 0 and 1."""
    if expected.unit is None:
        return
    middle = float(seen.mean.median())
    if not 0.004 < middle / expected.unit < 1.5:
        yield Finding(
            'scale',
            f'expected images in 0-{expected.unit:g}, got a mean of {middle:.3g}; mend '
            "'reflectance.scale' of the data set, or std of data_preprocessor",
            certain=True,
        )


class Comparison(NamedTuple):
    """Hold mean and deviation as they should be and as they are, (C,) each."""

    mean: Tensor
    std: Tensor
    seen_mean: Tensor
    seen_std: Tensor
    source: str

    def __str__(self) -> str:
        return (
            f'expected mean {_short(self.mean)} and deviation {_short(self.std)} by '
            f'{self.source}, got {_short(self.seen_mean)} and {_short(self.seen_std)}'
        )


def _compare(seen: Observation, expected: Expectation) -> Comparison | None:
    if expected.statistics is None:
        return None
    mean, std = (torch.tensor(s).double() for s in expected.statistics)
    if len(mean) != len(seen.mean):
        return None  # told by the rule of their number
    if not expected.by_dataset:
        return Comparison(mean, std, seen.mean, seen.std, 'data_preprocessor')
    # In the units of the statistics again.
    source = "the data set's 'reflectance'"
    return Comparison(mean, std, seen.mean * std + mean, seen.std * std, source)


def _scale(seen: Observation, expected: Expectation) -> Iterator[Finding]:
    both = _compare(seen, expected)
    if both is None:
        return
    ratio = both.seen_std / both.std
    z = (both.seen_mean - both.mean) / both.std
    # Images of little contrast have a small deviation at the right mean.
    small = (ratio < 1 / LEAST_SCALE) & (both.seen_mean < both.mean.abs() / 3)
    # A few images of another kind, such as gray views, widen a band, too.
    wide = (ratio > LEAST_SCALE) & (seen.typical_std > seen.std / 3)
    off = wide | small
    names = _names(seen, expected)
    if off.double().mean() > MOSTLY:
        factor = float(ratio.median())
        certain = not DARKEST < factor < 1
        yield Finding('scale', _scale_text(both, factor), certain)
        return
    if off.any():
        which = [n for n, wrong in zip(names, off, strict=True) if wrong]
        yield Finding(
            'scale',
            f'expected all bands in one scale, got {_list(which)} at '
            f'{_times(ratio[off].median())} what {both.source} says; mend its mean and '
            'std, or these bands',
        )
        return
    bound = FAR if expected.shuffled else FAR_UNSHUFFLED
    bound = FAR_GENERAL if expected.is_general else bound
    error = torch.nan_to_num(seen.standard_error / seen.std, posinf=0.0) * ratio
    far = z.abs() - 2 * error > bound
    spread = (ratio > 2.6) | (ratio < (1 / 8 if expected.is_general else 1 / 2.3))
    wrong = far | spread
    # Statistics of other images may miss single bands.
    if wrong.double().mean() > MOSTLY if expected.is_general else wrong.any():
        which = [n for n, far in zip(names, wrong, strict=True) if far]
        yield Finding(
            'statistics',
            f'{both} ({_list(which)} differ); measure these images (rsp prepare scan '
            'prints both) and set them',
        )


def _order(seen: Observation, expected: Expectation) -> Iterator[Finding]:
    general = expected.general_order
    if general in ('RGB', 'BGR') and expected.network_order not in (None, general):
        yield Finding(
            'order',
            f'expected {general} as data_preprocessor.mean is ordered, got '
            f'{expected.network_order}: images are loaded as '
            f'{"BGR" if expected.bgr else "RGB"} and '
            f'{"are" if expected.reverse else "not"} reversed; switch to_rgb or '
            'bgr_to_rgb, or reverse mean and std',
            certain=True,
        )
    both = _compare(seen, expected)
    if general is not None or both is None:
        return
    # Statistics of other images fit any order less well.
    order = _best_order(both, least=0.4 if expected.is_general else 0.12)
    if order is None:
        return
    names = _names(seen, expected)
    moved = [
        name for name, index in zip(names, order, strict=True) if name != names[index]
    ]
    yield Finding(
        'order',
        f'expected bands in the order of the mean of {both.source}, got '
        f'{KNOWN_ORDERS.get(_kind_of(order)) or _list(moved) + " in other places"}: '
        f'means {_short(both.seen_mean)} for {_short(both.mean)}; reorder one of both '
        '(to_rgb for three)',
    )


KNOWN_ORDERS = dict(
    reversed='them reversed',
    next='each in the place of the next: they are counted from 1',
    previous='each in the place of the one before',
)


def _known_orders(number: int) -> dict[str, list[int]]:
    places = [*range(number)]
    return dict(
        reversed=places[::-1],
        next=[*places[1:], 0],
        previous=[places[-1], *places[:-1]],
    )


def _kind_of(order: list[int]) -> str:
    known = _known_orders(len(order))
    return next((kind for kind, places in known.items() if places == order), '')


def _best_order(both: Comparison, least: float) -> list[int] | None:
    """Find another order of channels that fits statistics far better, or None."""
    if len(both.mean) < 2:
        return None
    # How far apart two channels are: their means, and the logarithms of their
    # deviations.
    distance = (both.seen_mean[:, None] - both.mean[None]).abs() / both.std[None]
    spread = (both.seen_std[:, None].clamp(min=1e-12) / both.std[None]).log().abs()
    cost = (distance + spread).numpy()
    rows, columns = linear_sum_assignment(cost)
    now, best = cost.diagonal().mean(), cost[rows, columns].mean()
    if now - best < max(least, 1.2 * best):
        return None
    for order in _known_orders(len(cost)).values():
        if cost[rows, order].mean() < best + 0.05:
            return order
    return [int(c) for c in columns]


def _card(seen: Observation, expected: Expectation) -> Iterator[Finding]:
    """Compare orders and pixel sizes with those of the pre-training."""
    then = expected.card.get('normalization') or {}
    flags = [then[key] for key in ('to_rgb', 'bgr_to_rgb') if key in then]
    if flags and expected.network_order and (expected.channels or 3) == 3:
        order = 'RGB' if any(flags) else 'BGR'
        if order != expected.network_order:
            yield Finding(
                'order',
                f'expected {order} as the backbone was trained on, got '
                f'{expected.network_order}; switch to_rgb or bgr_to_rgb of '
                'data_preprocessor and the order of its mean',
            )
    there, here = expected.card.get('bands') or (), expected.bands
    if [*there] != [*here] and sorted(map(str, there)) == sorted(map(str, here)):
        yield Finding(
            'order',
            f'expected the bands {_list([*map(str, there)])} as the backbone was '
            f"trained on, got {_list([*map(str, here)])}; reorder 'bands' of the data "
            'set',
        )
    trained = expected.card.get('pixel_size')
    if trained and expected.pixel_sizes:
        size = statistics.median(expected.pixel_sizes)
        if not 0.5 < size / trained < 2:
            yield Finding(
                'pixel_size',
                f'expected pixels of about {trained:.3g} m as in pre-training, got '
                f'{size:.3g} m; resample the scenes, or expect a worse start',
            )


def _sizes(seen: Observation, expected: Expectation) -> Iterator[Finding]:
    if not expected.pixel_sizes:
        return
    least, most = min(expected.pixel_sizes), max(expected.pixel_sizes)
    if most / least >= 2:
        yield Finding(
            'pixel_size',
            f'expected scenes of one pixel size, got {least:.3g} to {most:.3g} m; '
            'resample them (gdalwarp -tr), or train on each size by itself',
        )


STAGES: tuple[tuple[Rule, ...], ...] = (
    (_finite, _divisor, _number),
    (_content,),
    (_order,),
    (_unit, _scale),
    (_identical, _card, _sizes),
)


def _scale_text(both: Comparison, factor: float) -> str:
    size = max(factor, 1 / max(factor, 1e-12))
    name, told = min(SCALES.items(), key=lambda pair: abs(math.log(pair[0] / size)))
    guess = f' ({told})' if 2 / 3 < name / size < 1.5 else ''
    return (
        f'{both}: {_times(factor)} the scale{guess}; set mean and std in units of the '
        'images, or scale the images'
    )


def _names(seen: Observation, expected: Expectation) -> list[str]:
    """Name the channels in the order of the network."""
    number = len(seen.mean)
    if len(expected.bands) == number:
        # Three are loaded reversed, and reversed back where `reverse` is set.
        turned = number == 3 and bool(expected.bgr) != expected.reverse
        bands = expected.bands[::-1] if turned else expected.bands
        return [
            f'band {band}' if isinstance(band, int) else str(band) for band in bands
        ]
    if number == 3 and expected.network_order:
        colors = ['red', 'green', 'blue']
        return colors if expected.network_order == 'RGB' else colors[::-1]
    return [f'channel {index + 1}' for index in range(number)]


def _list(names: list[str]) -> str:
    return shorten(names, 6)


def _times(factor: Tensor | float) -> str:
    factor = float(factor)
    return f'{factor:.3g} times' if factor >= 1 else f'1/{1 / factor:.3g} of'


def _short(values: Tensor) -> str:
    return f'[{shorten([f"{float(v):.3g}" for v in values], 4)}]'
