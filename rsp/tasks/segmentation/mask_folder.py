"""Load images and label masks from two folders of the same layout."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmseg.datasets import BaseSegDataset

from rsp.datasets.broken_files import load_item
from rsp.datasets.pixel_reading import PixelReading
from rsp.errors import UserError, shorten
from rsp.io.files import files_below
from rsp.registry import DATASETS
from rsp.tasks.common.faults import Faults
from rsp.tasks.common.listing import (
    IMAGE_ENDINGS,
    match_files,
    read_list,
    require_folder,
)
from rsp.tasks.common.masks import Color

IGNORED = 255


@DATASETS.register_module()
class MaskFolder(PixelReading, BaseSegDataset):
    """Load images with one mask each, whose gray values or colors stand for classes.

    mmseg's data set pairs by name whatever it finds, so an image without mask fails in
    a worker, a mask without image and a file with another ending are never seen, and a
    gray value that means no class trains as one. Here each is refused, by file.

    Layout on disk, also with sub-folders::

        <data_root>/img_dir/{train,val}/<name><img_suffix>
        <data_root>/ann_dir/{train,val}/<name><seg_map_suffix>

    Args:
        mask_values: Gray value of each class, in the order of ``metainfo['classes']``;
            None counts from 0.
        ignored_values: Gray values that neither train nor count, such as borders.
        colors: Red, green and blue of each class by its name, for masks in colors; or
            a list of several colors of one class. In place of ``mask_values``::

                colors=dict(building=(255, 0, 0), water=(0, 0, 255))
        ignored_colors: Colors that neither train nor count.
        img_suffix: Ending of the image files.
        seg_map_suffix: Ending of the mask files.
        kwargs: Further arguments of mmseg's BaseSegDataset. ``data_prefix`` without
            ``seg_map_path`` reads images that have no masks; ``ann_file`` lists names
            without ending, and then only these files are looked at.

    Raises:
        MissingData: If a folder or a file is missing.
        UserError: If values or colors and classes do not fit, files have another
            ending, or ``reduce_zero_label`` or ``ignore_index`` say otherwise.
    """

    # Those of a subclass; own data passes them as arguments.
    MASK_VALUES: Sequence[int] | None = None
    IGNORED_VALUES: Sequence[int] = ()

    def __init__(
        self,
        mask_values: Sequence[int] | None = None,
        ignored_values: Sequence[int] | None = None,
        colors: Mapping[str, Sequence] | None = None,
        ignored_colors: Sequence[Sequence[int]] = (),
        img_suffix: str = '.png',
        seg_map_suffix: str = '.png',
        **kwargs: Any,
    ) -> None:
        self.mask_values = self.MASK_VALUES if mask_values is None else mask_values
        self.ignored_values = (
            self.IGNORED_VALUES if ignored_values is None else ignored_values
        )
        self.colors, self.ignored_colors = colors, ignored_colors
        if kwargs.get('reduce_zero_label') or kwargs.get('ignore_index', 255) != 255:
            raise UserError(
                f'expected no reduce_zero_label and no ignore_index in the config of '
                f'{type(self).__name__}, which says by its values what is ignored; '
                "name them in 'ignored_values', e.g. [0], and those of the classes in "
                "'mask_values'."
            )
        super().__init__(img_suffix=img_suffix, seg_map_suffix=seg_map_suffix, **kwargs)

    def gray_values(self) -> dict[int, int]:
        """Return the label of every gray value that a mask may hold; 255 is ignored.

        Raises:
            UserError: If there is not one value for each class, or one has two
                meanings.
        """
        # The classes on disk, of which ``metainfo`` may choose some.
        classes = self.METAINFO.get('classes') or self.metainfo.get('classes')
        if not classes:
            raise UserError(
                f"expected the names of the classes, got none; set 'metainfo.classes' "
                f'of {type(self).__name__}.'
            )
        values = range(len(classes)) if self.mask_values is None else self.mask_values
        every = [*values, *self.ignored_values]
        if len(values) != len(classes) or len(set(every)) < len(every):
            raise UserError(
                f'expected one gray value for each of {len(classes)} classes, and none '
                f"twice; got 'mask_values' {list(values)} and 'ignored_values' "
                f'{list(self.ignored_values)}.'
            )
        chosen = self.label_map or {}
        labels = {value: chosen.get(i, i) for i, value in enumerate(values)}
        return labels | dict.fromkeys(self.ignored_values, IGNORED)

    def color_values(self) -> dict[Color, int]:
        """Return the label of every color that a mask may hold; 255 is ignored.

        Raises:
            UserError: If there is not a color for each class, or one has two meanings.
        """
        classes = self.METAINFO.get('classes') or self.metainfo.get('classes') or ()
        given = self.colors or {}
        if set(given) != set(classes) or self.mask_values is not None:
            raise UserError(
                f"expected 'colors' by the names of the classes, {list(classes)}, and "
                f"no 'mask_values'; got those of {list(given)}, and {self.mask_values}."
            )
        chosen = self.label_map or {}
        labels: dict[Color, int] = {}
        for number, name in enumerate(classes):
            for color in _colors(given[name]):
                _add(labels, color, chosen.get(number, number))
        for color in _colors(self.ignored_colors):
            _add(labels, color, IGNORED)
        return labels

    def load_data_list(self) -> list[dict]:
        """List the pairs, or the images alone where no masks are configured."""
        faults = Faults(self.ann_file or self.data_prefix['img_path'])
        suffixes = dict(img_path=self.img_suffix)
        if self.data_prefix.get('seg_map_path') is not None:
            suffixes['seg_map_path'] = self.seg_map_suffix
        names = read_list(self.ann_file, faults) if self.ann_file else None
        folders = [
            (Path(self.data_prefix[key]), self._list(key, suffix, faults))
            for key, suffix in suffixes.items()
        ]
        pairs = match_files(folders, faults, names)
        faults.refuse()
        # mmseg's own loader understands this map too.
        common: dict[str, Any] = dict(reduce_zero_label=False)
        if self.colors is None:
            common['label_map'] = self.gray_values()
        else:
            common['color_map'] = self.color_values()
        return [
            dict(zip(suffixes, map(str, pairs[name]), strict=True), seg_fields=[])
            | common
            for name in sorted(pairs)
        ]

    def _list(self, key: str, suffix: str, faults: Faults) -> dict[str, Path]:
        """List the files of one folder by their path without ending."""
        folder = Path(self.data_prefix[key])
        require_folder(folder, f"'data_root' or 'data_prefix.{key}'")
        files = {str(file.relative_to(folder)): file for file in files_below(folder)}
        found = {
            name.removesuffix(suffix): file
            for name, file in files.items()
            if name.endswith(suffix)
        }
        others = [
            name
            for name in files
            if not name.endswith(suffix) and name.lower().endswith(IMAGE_ENDINGS)
        ]
        # A list asks for its files alone.
        if not found or (others and not self.ann_file):
            option = 'img_suffix' if key == 'img_path' else 'seg_map_suffix'
            faults.add(
                f"expected files ending in '{suffix}' in '{folder}', got {len(found)} "
                f'of them and {len(others)} other images ({shorten(others)}); change '
                f"'{option}' or the folder."
            )
        return found

    def prepare_data(self, idx: int) -> Any:
        """Load and transform one pair.

        Raises:
            UserError: If image or mask cannot be read or do not fit together.
        """
        return load_item(self, idx, 'repair the file or remove it with its mask')


def _colors(given: Sequence) -> list[Color]:
    """Return a list of colors; one alone may be given without a list around it."""
    colors = [given] if given and isinstance(given[0], int) else list(given)
    for color in colors:
        if (
            not isinstance(color, Sequence)
            or len(color) != 3
            or not all(isinstance(v, int) and 0 <= v <= 255 for v in color)
        ):
            raise UserError(
                f"expected red, green and blue, 0 to 255, in 'colors', got {color!r}."
            )
    return [(red, green, blue) for red, green, blue in colors]


def _add(labels: dict[Color, int], color: Color, label: int) -> None:
    if color in labels:
        raise UserError(
            f"expected every color once in 'colors' and 'ignored_colors', got {color} "
            'twice.'
        )
    labels[color] = label
