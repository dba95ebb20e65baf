"""List and load the images below a folder, with or without labels."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.logging import print_log
from mmpretrain.datasets import CustomDataset

from rsp.datasets.broken_files import load_item
from rsp.datasets.listing import (
    ImagePlace,
    Samples,
    by_class,
    missing_of,
    place_of,
    read_list_file,
)
from rsp.datasets.pixel_reading import PixelReading
from rsp.errors import MissingData, UserError, shorten
from rsp.io.files import describe_left_out
from rsp.io.stores import PackedNames, open_store
from rsp.io.text import foreign_marks
from rsp.registry import DATASETS

EXTENSIONS = ('.jpg', '.jpeg', '.png', '.tif', '.tiff', '.bmp')


@DATASETS.register_module()
class ImageFolder(PixelReading, CustomDataset):
    """Load 8-bit images of a folder; labels are its sub-folders or in a list file.

    mmpretrain's CustomDataset with errors that name file and key, and without
    second guesses: a file that cannot be read stops the run instead of being
    replaced by another one.

    Layout on disk, each listed sorted and recursively, endings in any case, without
    what is hidden (`rsp.io.files.is_hidden`)::

        unlabeled    million_aid/test/P0000000.jpg, also in sub-folders
        labeled      ImageNet/train/<class>/<image>      class number = sorted place
        list file    lines of "<path below data_prefix> <class number>"; the path
                     may contain spaces

    Args:
        data_root: Folder that ``data_prefix`` and ``ann_file`` are relative to.
        data_prefix: Folder of the images.
        ann_file: List file; empty means: look into the folder.
        with_label: Whether images carry labels.
        extensions: File endings that count as images.
        store: Folder that ``rsp prepare pack`` made of the folder of the images, or of
            one above it: they are read from there, with the same names, labels and
            order. The folder itself need not be there.
        kwargs: Further arguments of mmpretrain's CustomDataset, such as
            ``pipeline``, ``metainfo`` or ``indices``.

    Raises:
        MissingData: If the folder, the list file or an image of it is missing.
        UserError: If no image is found, or a line of the list file has no valid
            label.
    """

    def __init__(
        self,
        data_root: str = '',
        data_prefix: str | dict = '',
        ann_file: str = '',
        with_label: bool = True,
        extensions: tuple[str, ...] = EXTENSIONS,
        store: str | None = None,
        **kwargs: Any,
    ) -> None:
        if not (data_root or data_prefix or ann_file or store):
            raise UserError(
                "expected a folder of images, got none; set 'data_root' or "
                "'data_prefix'."
            )
        if store and not (data_root or data_prefix):
            data_prefix = open_store(store).manifest.source
        self.store = store
        # All samples are in a few arrays already.
        kwargs['serialize_data'] = False
        super().__init__(
            data_root=data_root,
            data_prefix=data_prefix,
            ann_file=ann_file,
            with_label=with_label,
            extensions=extensions,
            **kwargs,
        )

    data_list: Any
    _place: ImagePlace

    @property
    def labels(self) -> np.ndarray | None:
        """Class numbers of all images, shape (len(self),); None without labels."""
        return self.get_gt_labels() if self.with_label else None

    def get_gt_labels(self) -> np.ndarray:
        """Return the class numbers of all images, shape (len(self),)."""
        self.full_init()
        return self.data_list.columns['gt_label']

    def get_data_info(self, idx: int) -> dict[str, Any]:
        """Return what is known of an image, and its number."""
        self.full_init()
        return self.data_list[idx] | dict(sample_idx=idx % len(self))

    def load_data_list(self) -> Any:
        """List the images, from the list file, the folder or the store."""
        self._place = place_of(self.img_prefix, self.store)
        if self.ann_file:
            names, labels = read_list_file(self.ann_file, self.with_label)
            self._refuse_missing(names, f"'{self.ann_file}'")
        else:
            names, labels = self._list_folder()
        columns = {} if labels is None else dict(gt_label=labels)
        return Samples(self._place.root, names, **columns)

    def _list_folder(self) -> tuple[PackedNames, np.ndarray | None]:
        """List all images of the folder, class by class if they have labels."""
        left_out: Counter[str] = Counter()
        names = self._place.names(self.extensions, left_out)
        labels = None
        if self.with_label:
            names, classes, labels = by_class(names, self._place.class_folders())
            self._name_classes(classes)
            counts = np.bincount(labels, minlength=len(classes))
            if not counts.all():
                raise UserError(
                    'expected images of a class in '
                    f"'{self._folder()}/{classes[counts.argmin()]}', found none; every "
                    'sub-folder is a class, so remove the empty one. Endings looked '
                    f'for: {", ".join(sorted(self.extensions))}.'
                )
        if not len(names):
            what = 'class folders with images' if self.with_label else 'images'
            raise UserError(
                f"expected {what} in '{self._folder()}', found none; check 'data_root' "
                "and 'data_prefix'. Endings looked for: "
                f'{", ".join(sorted(self.extensions))}.'
            )
        if line := describe_left_out(left_out, self._folder()):
            print_log(f'{type(self).__name__}: {line}.', logger='current')
        return names, labels

    def _folder(self) -> str:
        return self._place.root or '.'

    def _name_classes(self, names: list[str]) -> None:
        expected = self.CLASSES
        if expected is not None and len(expected) != len(names):
            raise UserError(
                f"expected {len(expected)} class folders in '{self._folder()}' as "
                f"in 'metainfo', got {len(names)}: {shorten(names)}"
            )
        self._metainfo.setdefault('classes', tuple(names))

    def _refuse_missing(self, names: PackedNames, source: str) -> None:
        missing = missing_of(names, self._place)
        if missing:
            raise MissingData(
                f'{len(missing)} of the {len(names)} images that {source} lists are '
                f"not in '{self._folder()}': {shorten(missing, 10)}; complete the "
                "folder, or change 'data_root', 'data_prefix' or 'ann_file'."
                f'{foreign_marks(missing)}'
            )

    def _get_unserialized_subset(self, indices: int | Sequence[int]) -> Any:
        """Return the first or last samples, or some; mmengine asks for them."""
        if isinstance(indices, int):
            return (
                self.data_list[:indices] if indices >= 0 else self.data_list[indices:]
            )
        return self.data_list.take(indices)

    def prepare_data(self, idx: int) -> Any:
        """Load and transform one image.

        Raises:
            MissingData: If the file has gone.
            UserError: If it cannot be decoded, or the pipeline drops it.
        """
        remedy = 'repair the file or remove it from the folder or list'
        data = load_item(self, idx, remedy)
        if data is None:
            path = self.get_data_info(idx)['img_path']
            raise UserError(
                f"cannot load '{path}': the pipeline returned nothing; {remedy}."
            )
        return data
