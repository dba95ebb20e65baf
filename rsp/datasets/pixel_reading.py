"""Let every data set of images read them by `rsp.LoadImageFromFile`."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mmcv.transforms import LoadImageFromFile as MMCVLoader

from rsp.datasets.broken_files import BadImages, load_item
from rsp.datasets.transforms.load_image import LoadImageFromFile
from rsp.datasets.transforms.value_range import (
    refuse_color_transforms,
    refuse_eight_bit_transforms,
)

# Keys of a sample that hold the path of an image.
IMAGES = ('img_path', 'img_path2')
# Files whose headers are read when a data set is built; about 0.1 ms each on a disk.
LOOKED_AT = 16
NAME = LoadImageFromFile.__name__


class PixelReading:
    """Replace mmcv's loader in the pipeline of a data set, and look at first files.

    A config that names the loader of mmcv, mmdet, mmseg, mmpretrain or mmrotate is read
    by ours, with the same arguments: theirs gives wrong pixels for some files without a
    word. Put this before the other bases of a data set.

    When the list of samples is ready, the headers of some files, evenly spread, are
    judged as they will be when they are read. Transforms for red, green and blue in 8
    bits are refused where the loader gives other images.

    Args:
        on_bad_image: What becomes of a training image that cannot be read: ``'raise'``
            an error that names it, or ``'skip'`` it for the next one that can be. Which
            one that is depends on the files alone. Each is logged and listed in
            ``bad_files.txt`` of the work dir. Validation and test always raise.
        max_bad_share: Share of the images that may be skipped before it is an error.
        pipeline: Transforms.
        kwargs: Those of the data set.
    """

    pipeline: Any

    def __init__(
        self,
        *args: Any,
        pipeline: Sequence = (),
        on_bad_image: str = 'raise',
        max_bad_share: float = 0.01,
        **kwargs: Any,
    ) -> None:
        self.bad_images = BadImages(on_bad_image, max_bad_share)
        if kwargs.get('test_mode'):
            self.bad_images.wanted = self.bad_images.skips = False
        steps = with_our_loader(pipeline)
        super().__init__(*args, pipeline=steps, **kwargs)  # type: ignore[call-arg]
        refuse_other_transforms(steps, loader_of(self))

    def full_init(self) -> None:
        """List the samples and look at some of their files.

        Raises:
            UserError: If one of these cannot be read as the pipeline says.
        """
        is_new = not self._fully_initialized  # type: ignore[attr-defined]
        super().full_init()  # type: ignore[misc]
        if is_new and not self.bad_images.skips:
            judge_some(self)

    def prepare_data(self, idx: int) -> Any:
        """Load and transform one image.

        Raises:
            MissingData: If its file is missing.
            UserError: If it cannot be read, or as raised by a step.
        """
        return load_item(self, idx, 'repair the file or remove it')


def with_our_loader(steps: Any) -> Any:
    """Return a pipeline, of configs or transforms, with mmcv's loader replaced.

    Args:
        steps: A transform, its config, or a list of them, also nested.
    """
    if isinstance(steps, Mapping):
        changed = {key: with_our_loader(value) for key, value in steps.items()}
        kind = steps.get('type')
        if kind is MMCVLoader or (
            isinstance(kind, str) and kind.rpartition('.')[2] == NAME
        ):
            changed['type'] = LoadImageFromFile
        return changed
    if type(steps) in (list, tuple):
        return type(steps)(map(with_our_loader, steps))
    if type(steps) is MMCVLoader:
        return LoadImageFromFile.like(steps)
    return steps


def loader_of(dataset: Any) -> LoadImageFromFile | None:
    """Return the transform of a data set's pipeline that reads images, if ours."""
    steps = _steps(getattr(dataset, 'pipeline', None))
    return next((step for step in steps if isinstance(step, LoadImageFromFile)), None)


def refuse_other_transforms(steps: Any, loader: LoadImageFromFile | None) -> None:
    """Refuse transforms that go wrong on the images that a loader gives.

    Args:
        steps: Config of the pipeline.
        loader: Of the pipeline; None if it has none of ours.

    Raises:
        UserError: If there is one; the message names what to take instead.
    """
    if loader is None:
        return
    if loader.floats is not None:
        refuse_eight_bit_transforms(steps, "the floats of 'reflectance'")
    elif loader.channels not in (None, 3):
        refuse_color_transforms(steps, f'{loader.channels} bands')


def judge_some(dataset: Any) -> None:
    """Judge the headers of some files of a data set, see `PixelReading`."""
    loader = loader_of(dataset)
    if loader is None:
        return
    number = len(dataset)
    for index in sorted({n * number // LOOKED_AT for n in range(LOOKED_AT)} - {number}):
        sample = dataset.get_data_info(index)
        for key in IMAGES:
            if key in sample:
                loader.judge(sample[key])


def _steps(step: Any) -> Iterator[Any]:
    """Yield a transform, or those inside of it."""
    if isinstance(step, list | tuple):
        for inner in step:
            yield from _steps(inner)
    elif step is not None:
        yield step
        yield from _steps(getattr(step, 'transforms', None))
