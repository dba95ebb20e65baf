"""Name the files, colors and splits of the benchmarks of Potsdam and Vaihingen."""

from dataclasses import dataclass

# Colors of the label images, in the order of the gray values written: border (where
# eroded), impervious surface, building, low vegetation, tree, car, clutter.
COLORS = (
    (0, 0, 0),
    (255, 255, 255),
    (0, 0, 255),
    (0, 255, 255),
    (0, 255, 0),
    (255, 255, 0),
    (255, 0, 0),
)


@dataclass(frozen=True)
class Benchmark:
    """Name the files and the splits of one benchmark.

    Attributes:
        name: Of the benchmark.
        image: File name of a scene's image; ``{}`` is the scene.
        label: File name of its label with eroded borders.
        splits: Scenes by split, those of mmsegmentation.
        published: Tiles of 512 px by split.
        excluded: Folders that hold other files of the same names.
    """

    name: str
    image: str
    label: str
    splits: dict[str, tuple[str, ...]]
    published: dict[str, int]
    excluded: tuple[str, ...] = ()


POTSDAM = Benchmark(
    name='Potsdam',
    image='top_potsdam_{}_RGB.tif',
    label='top_potsdam_{}_label_noBoundary.tif',
    splits=dict(
        train=tuple(
            '2_10 2_11 2_12 3_10 3_11 3_12 4_10 4_11 4_12 5_10 5_11 5_12 '
            '6_7 6_8 6_9 6_10 6_11 6_12 7_7 7_8 7_9 7_10 7_11 7_12'.split()
        ),
        val=tuple(
            '2_13 2_14 3_13 3_14 4_13 4_14 4_15 5_13 5_14 5_15 6_13 6_14 6_15 '
            '7_13'.split()
        ),
    ),
    published=dict(train=3456, val=2016),
)
VAIHINGEN = Benchmark(
    name='Vaihingen',
    image='top_mosaic_09cm_area{}.tif',
    label='top_mosaic_09cm_area{}_noBoundary.tif',
    splits=dict(
        train=tuple('1 3 5 7 11 13 15 17 21 23 26 28 30 32 34 37'.split()),
        val=tuple('2 4 6 8 10 12 14 16 20 22 24 27 29 31 33 35 38'.split()),
    ),
    published=dict(train=344, val=398),
    # Full labels there bear the names of the images.
    excluded=('gts_for_participants',),
)
