"""Images and their label masks in two folders of the same layout."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmseg.datasets import BaseSegDataset

from rsp.datasets.broken_files import load_item
from rsp.errors import MissingData, UserError, shorten
from rsp.io.files import files_below
from rsp.io.text import read_names
from rsp.registry import DATASETS

# What counts as an image when a folder is searched for files that would be dropped.
IMAGES = ('.png', '.jpg', '.jpeg', '.tif', '.tiff', '.bmp')
IGNORED = 255


@DATASETS.register_module()
class MaskFolder(BaseSegDataset):
    """Images with one 8-bit mask each, whose grey values stand for classes.

    mmseg's data set with errors instead of silence: that one pairs by name whatever it
    finds, so an image without mask fails in a worker, a mask without image and a file
    with another ending are never seen, and a grey value that means no class trains as
    one. Here each is refused, by file.

    Layout on disk, also with sub-folders::

        <data_root>/img_dir/{train,val}/<name><img_suffix>
        <data_root>/ann_dir/{train,val}/<name><seg_map_suffix>

    Args:
        mask_values: Grey value of each class, in the order of ``metainfo['classes']``;
            None counts from 0.
        ignored_values: Grey values that neither train nor count, such as borders.
        img_suffix: Ending of the image files.
        seg_map_suffix: Ending of the mask files.
        kwargs: Further arguments of mmseg's BaseSegDataset. ``data_prefix`` without
            ``seg_map_path`` reads images that have no masks; ``ann_file`` lists names
            without ending, and then only these files are looked at.

    Raises:
        FileNotFoundError: If a folder or a listed file is missing.
        ValueError: If images and masks do not pair up, or values and classes do not.
    """

    # Those of a subclass; own data passes them as arguments.
    MASK_VALUES: Sequence[int] | None = None
    IGNORED_VALUES: Sequence[int] = ()

    def __init__(
        self,
        mask_values: Sequence[int] | None = None,
        ignored_values: Sequence[int] | None = None,
        img_suffix: str = '.png',
        seg_map_suffix: str = '.png',
        **kwargs: Any,
    ) -> None:
        self.mask_values = self.MASK_VALUES if mask_values is None else mask_values
        self.ignored_values = (
            self.IGNORED_VALUES if ignored_values is None else ignored_values
        )
        super().__init__(img_suffix=img_suffix, seg_map_suffix=seg_map_suffix, **kwargs)

    def grey_values(self) -> dict[int, int]:
        """Label of every grey value that a mask may hold; 255 is ignored.

        Raises:
            ValueError: If there is not one value for each class, or one has two
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
                f'expected one grey value for each of {len(classes)} classes, and none '
                f"twice; got 'mask_values' {list(values)} and 'ignored_values' "
                f'{list(self.ignored_values)}.'
            )
        chosen = self.label_map or {}
        labels = {value: chosen.get(i, i) for i, value in enumerate(values)}
        return labels | dict.fromkeys(self.ignored_values, IGNORED)

    def load_data_list(self) -> list[dict]:
        """List the pairs, or the images alone where no masks are configured."""
        images = self._find('img_path', self.img_suffix)
        labelled = self.data_prefix.get('seg_map_path') is not None
        masks = self._find('seg_map_path', self.seg_map_suffix) if labelled else {}
        if labelled:
            self._refuse_singles(images, masks)
        # mmseg's own loader understands this map too.
        common = dict(label_map=self.grey_values(), reduce_zero_label=False)
        data_list = []
        for name, image in sorted(images.items()):
            data = dict(img_path=str(image), seg_fields=[], **common)
            if labelled:
                data['seg_map_path'] = str(masks[name])
            data_list.append(data)
        return data_list

    def _find(self, key: str, suffix: str) -> dict[str, Path]:
        """Files of one folder by their name without ending."""
        folder = Path(self.data_prefix[key])
        if not folder.is_dir():
            raise MissingData(
                f"expected a folder at '{folder}', there is none; change 'data_root' "
                f"or 'data_prefix.{key}'."
            )
        if self.ann_file:
            return self._listed(folder, suffix)
        found, others = {}, []
        for file in files_below(folder):
            name = str(file.relative_to(folder))
            if name.endswith(suffix):
                found[name.removesuffix(suffix)] = file
            elif name.lower().endswith(IMAGES):
                others.append(name)
        if others or not found:
            ending = 'img_suffix' if key == 'img_path' else 'seg_map_suffix'
            raise UserError(
                f"expected files ending in '{suffix}' in '{folder}', got {len(found)} "
                f"of them{_and_others(others)}; change '{ending}' or the folder."
            )
        return found

    def _listed(self, folder: Path, suffix: str) -> dict[str, Path]:
        if not Path(self.ann_file).is_file():
            raise MissingData(
                f"expected a list of names at '{self.ann_file}', there is no file; "
                "change 'ann_file', or leave it empty to take all images."
            )
        names = read_names(self.ann_file)
        if not names:
            raise UserError(f"expected a name per line in '{self.ann_file}'.")
        files = {name: folder / f'{name}{suffix}' for name in names}
        missing = [str(file) for file in files.values() if not file.is_file()]
        if missing:
            raise MissingData(
                f"{len(missing)} of {len(names)} files that '{self.ann_file}' lists "
                f'are missing: {shorten(missing)}.'
            )
        return files

    def _refuse_singles(self, images: dict, masks: dict) -> None:
        without_mask = [str(images[n]) for n in sorted(images.keys() - masks.keys())]
        without_image = [str(masks[n]) for n in sorted(masks.keys() - images.keys())]
        if without_mask or without_image:
            raise UserError(
                f'expected a mask of the same name for every image, got '
                f'{len(without_mask)} images without mask '
                f'({shorten(without_mask) or "-"})'
                f' and {len(without_image)} masks without image '
                f'({shorten(without_image) or "-"}); add or remove these files.'
            )

    def prepare_data(self, idx: int) -> Any:
        """Load and transform one pair.

        Raises:
            UserError: If image or mask cannot be read or do not fit together.
        """
        return load_item(self, idx, 'repair the file or remove it with its mask')


def _and_others(names: list[str]) -> str:
    return f' and {len(names)} other images: {shorten(names)}' if names else ''
