"""Judge images, labels and masks: what there is to learn from."""

import math
from collections.abc import Iterator

from rsp.engine.health.rules.history import SURE, Alarm, History


def broken_band(history: History) -> Iterator[Alarm]:
    """Find NaN and infinity in the images."""
    (band,) = history.last('broken_band') or [0]
    if band:
        yield Alarm(
            'not_finite',
            f'band {band:.0f} of the images holds NaN or infinity, which batch norm '
            'gives to all features; declare the no-data value of the files '
            '(gdal_edit.py -a_nodata nan), or leave the band out',
        )


def flat_images(history: History) -> Iterator[Alarm]:
    """Find images of one value."""
    shares = history.last('flat_images', 2)
    if shares and min(shares) > 0.5:
        yield Alarm(
            'flat_images',
            f'{shares[-1]:.0%} of the images have one value only, so there is nothing '
            'to learn; look at the files, their no-data value and the stretch of the '
            'data set',
        )


def same_images(history: History) -> Iterator[Alarm]:
    """Find pairs of views that have nothing in common but the data set."""
    ratios = history.last('view_ratio', SURE)
    images = history.facts.get('images', 0)
    if not ratios or images < 16:
        return
    # By chance it is 1; the largest of several bands a little more.
    mean = sum(min(ratio, 100) for ratio in ratios) / len(ratios)
    if mean < 1 + 6 / math.sqrt(images):
        yield Alarm(
            'same_images',
            'two views of an image are no more alike than those of different images '
            f'(variance between images {mean:.1f} times that between views): the data '
            'set gives one image again and again, or pairs views of different images; '
            'look at what its loader gives, or weaken the augmentation',
        )


def equal_views(history: History) -> Iterator[Alarm]:
    """Find views without augmentation."""
    shares = history.last('equal_views', 2)
    if shares and min(shares) > 0.5:
        yield Alarm(
            'equal_views',
            f'both views of {shares[-1]:.0%} of the images are the same, so an '
            'untrained network solves the task; put random crops and colors into '
            'the transforms '
            "of 'MultiView'",
        )


def mask(history: History) -> Iterator[Alarm]:
    """Find masks that hide nothing, or everything."""
    # One batch is enough: masks of a share are drawn to it.
    shares = history.last('masked')
    if shares and not 0.01 <= shares[0] <= 0.99:
        left = 'nothing is left to predict' if shares[0] < 0.5 else 'nothing is seen'
        yield Alarm(
            'mask',
            f'masks cover {shares[0]:.0%} of the images, so {left}; set mask_ratio of '
            'the pipeline or the backbone to 0.4 to 0.75',
        )


def one_class(history: History) -> Iterator[Alarm]:
    """Find labels that do not differ."""
    spreads, counts = history.last('label_spread', 2), history.last('labels', 2)
    if spreads and max(spreads) < 1e-3 and min(counts) >= 4:
        yield Alarm(
            'one_class',
            'all images have the same label, which teaches nothing; look at the class '
            'folders or the label file, at the class codes of the land-cover map, and '
            'whether the loader shuffles',
        )


def labels(history: History) -> Iterator[Alarm]:
    """Find labels that have nothing to do with their images."""
    (hits,) = history.last('supervised_top1') or [math.inf]
    (seen,) = history.last('labels_seen') or [0]
    (counted,) = history.last('labels_counted') or [1]
    classes = history.facts.get('num_classes', 0)
    if not classes or seen < 500 * classes:
        return
    chance = 1 / classes
    noise = 100 * math.sqrt(chance * (1 - chance) / counted)
    if hits < 100 * chance + 3 * noise:
        yield Alarm(
            'labels',
            f'after {seen:.0f} labeled photos their classes are found by chance '
            f'({hits:.1f} % of {classes:.0f} classes): labels and files do not belong '
            'together; look at the list of labels, or at the order of the classes',
        )
