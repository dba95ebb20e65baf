"""List and load the images below a folder, with or without labels."""

import os
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.logging import print_log
from mmpretrain.datasets import CustomDataset

from rsp.datasets.broken_files import load_item
from rsp.datasets.pixel_reading import PixelReading
from rsp.errors import MissingData, UserError, shorten
from rsp.io.files import describe_left_out, files_below, folders_in
from rsp.io.text import foreign_marks, read_lines
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
        **kwargs: Any,
    ) -> None:
        if not (data_root or data_prefix or ann_file):
            raise UserError(
                "expected a folder of images, got none; set 'data_root' or "
                "'data_prefix'."
            )
        super().__init__(
            data_root=data_root,
            data_prefix=data_prefix,
            ann_file=ann_file,
            with_label=with_label,
            extensions=extensions,
            **kwargs,
        )

    @property
    def labels(self) -> np.ndarray | None:
        """Class numbers of all images, shape (len(self),); None without labels."""
        if not self.with_label:
            return None
        self.full_init()
        if self._labels is None:
            self._labels = self.get_gt_labels()
        return self._labels

    _labels: np.ndarray | None = None

    def load_data_list(self) -> list[dict]:
        """List the images, from the list file or from the folder."""
        prefix = Path(self.img_prefix)
        if not prefix.is_dir():
            raise MissingData(
                f"expected a folder of images at '{prefix}', there is none; "
                "put the images there or change 'data_root' and 'data_prefix'."
            )
        if self.ann_file:
            samples = self._read_list_file()
        else:
            samples = self._list_folder()
        if not self.with_label:
            return [dict(img_path=str(prefix / name)) for name, _ in samples]
        return [dict(img_path=str(prefix / n), gt_label=label) for n, label in samples]

    def _list_folder(self) -> list[tuple[str, int]]:
        root = Path(self.img_prefix)
        folders = [root]
        left_out: Counter[str] = Counter()
        if self.with_label:
            folders = folders_in(root)
            self._name_classes([folder.name for folder in folders])
        samples = []
        for label, folder in enumerate(folders):
            names = sorted(
                str(file.relative_to(root))
                for file in files_below(folder, self.extensions, left_out)
            )
            if not names and self.with_label:
                raise UserError(
                    f"expected images of a class in '{folder}', found none; every "
                    'sub-folder is a class, so remove the empty one. Endings '
                    f'looked for: {", ".join(sorted(self.extensions))}.'
                )
            samples += [(name, label) for name in names]
        if not samples:
            what = 'class folders with images' if self.with_label else 'images'
            raise UserError(
                f"expected {what} in '{root}', found none; check 'data_root' and "
                f"'data_prefix'. Endings looked for: "
                f'{", ".join(sorted(self.extensions))}.'
            )
        if line := describe_left_out(left_out, root):
            print_log(f'{type(self).__name__}: {line}.', logger='current')
        return samples

    def _name_classes(self, names: list[str]) -> None:
        expected = self.CLASSES
        if expected is not None and len(expected) != len(names):
            raise UserError(
                f"expected {len(expected)} class folders in '{self.img_prefix}' as "
                f"in 'metainfo', got {len(names)}: {shorten(names)}"
            )
        self._metainfo.setdefault('classes', tuple(names))

    def _read_list_file(self) -> list[tuple[str, int]]:
        file = Path(self.ann_file)
        if not file.is_file():
            raise MissingData(
                f"expected a list file at '{file}', there is none; change 'ann_file', "
                'or leave it empty to take labels from the class folders.'
            )
        lines = enumerate(read_lines(file), start=1)
        samples = [
            self._parse_line(line.strip(), number)
            for number, line in lines
            if line.strip()
        ]
        if not samples:
            raise UserError(f"expected a line per image in '{file}', it is empty.")
        self._refuse_missing([name for name, _ in samples], f"'{file}'")
        return samples

    def _refuse_missing(self, names: list[str], source: str) -> None:
        # One listing per folder: asking for every file takes minutes on a network disk.
        root = Path(self.img_prefix)
        listings = {
            parent: _names_in(root / parent)
            for parent in {*map(os.path.dirname, names)}
        }
        missing = [
            name
            for name in names
            if os.path.basename(name) not in listings[os.path.dirname(name)]
        ]
        if missing:
            raise MissingData(
                f'{len(missing)} of the {len(names)} images that {source} lists are '
                f"not in '{root}': {shorten(missing, 10)}; complete the folder, or "
                f"change 'data_root', 'data_prefix' or 'ann_file'."
                f'{foreign_marks(missing)}'
            )

    def _parse_line(self, line: str, number: int) -> tuple[str, int]:
        if not self.with_label:
            return line, 0
        name, *label = line.rsplit(maxsplit=1)  # By tabs, too.
        if not label or not (label[0].isascii() and label[0].isdecimal()):
            raise UserError(
                f"expected 'path label' with a label of 0 or more in line {number} of "
                f"'{self.ann_file}', got '{line}'.{foreign_marks([line])}"
            )
        return name, int(label[0])

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


def _names_in(folder: Path) -> set[str]:
    return {*os.listdir(folder)} if folder.is_dir() else set()
