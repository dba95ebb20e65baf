"""Load the fixed splits of published scene data sets."""

from typing import Any

from rsp.datasets import ImageFolder
from rsp.ops import check
from rsp.registry import DATASETS
from rsp.tasks.classification.benchmarks import SCENE_SETS


@DATASETS.register_module()
class SceneBenchmark(ImageFolder):
    """Load the training or the test images of a published scene data set.

    The published papers fix no split. This one is stratified by class and follows from
    a seed and the published file names, so no list file is read; see
    `rsp.tasks.classification.splits.stratified_split`.

    Layout on disk: class folders below ``data_root/data_prefix``, as the archive
    unpacks.

    Args:
        benchmark: ``'eurosat'``, ``'eurosat-13bands'``, ``'resisc45'``, ``'ucm'`` or
            ``'aid'``.
        split: ``'train'`` or ``'test'``.
        kwargs: Arguments of `rsp.ImageFolder`; with ``ann_file``, a list file of
            another split takes the place of this one.

    Raises:
        MissingData: If the folder or an image of the split is missing.
        UserError: If there is no such data set or split.
    """

    def __init__(self, benchmark: str, split: str, **kwargs: Any) -> None:
        check.one_of('benchmark', benchmark, SCENE_SETS)
        check.one_of('split', split, ('train', 'test'))
        self.benchmark, self.split = benchmark, split
        super().__init__(**kwargs)

    def _list_folder(self) -> list[tuple[str, int]]:
        images = SCENE_SETS[self.benchmark].split()[self.split]
        self._name_classes([*images])
        samples = [
            (path, number)
            for number, paths in enumerate(images.values())
            for path in paths
        ]
        self._refuse_missing(
            [path for path, _ in samples],
            f'the {self.split} split of {self.benchmark}',
        )
        return samples
