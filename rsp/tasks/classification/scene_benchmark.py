"""Load the fixed splits of published scene data sets."""

from typing import Any

import numpy as np

from rsp.datasets import ImageFolder
from rsp.io.stores import PackedNames
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

    def _list_folder(self) -> tuple[PackedNames, np.ndarray]:
        images = SCENE_SETS[self.benchmark].split()[self.split]
        self._name_classes([*images])
        names = PackedNames.of(path for paths in images.values() for path in paths)
        source = f'the {self.split} split of {self.benchmark}'
        self._refuse_missing(names, source)
        counts = [len(paths) for paths in images.values()]
        return names, np.repeat(np.arange(len(counts)), counts)
