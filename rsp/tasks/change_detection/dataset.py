"""Load pairs of images of one place at two dates."""

from typing import Any

from mmengine.dataset import BaseDataset
from mmengine.logging import print_log

from rsp.datasets.pixel_reading import PixelReading
from rsp.errors import UserError
from rsp.registry import DATASETS
from rsp.tasks.change_detection.pairs import find_pairs


@DATASETS.register_module()
class ChangeDataset(PixelReading, BaseDataset):
    """Load two dates and a mask per place, e.g. LEVIR-CD or CDD.

    Layout on disk, of which every file must have its partners::

        <data_root>/<img_path>/<name>.png        the earlier date
        <data_root>/<img_path2>/<name>.png       the later date
        <data_root>/<seg_map_path>/<name>.png    where it changed

    * CDD (season-varying, 256 px): Lebedev et al., ISPRS Archives 2018,
      https://doi.org/10.5194/isprs-archives-XLII-2-565-2018; 10,000 / 3,000 / 3,000
      pairs, folders ``A``, ``B``, ``OUT``, masks as JPEG.
    * LEVIR-CD (buildings, 0.5 m, 1024 px): Chen and Shi, Remote Sensing 2020,
      https://doi.org/10.3390/rs12101662; 445 / 64 / 128 pairs, folders ``A``, ``B``,
      ``label``. For academic use only.

    Suffixes may differ between the folders. Nothing is left out: a file without a
    partner is an error that names it, and so is, when it is loaded, a pair of
    different sizes (`rsp.LoadChangePair`) or a mask of unknown values
    (`rsp.LoadChangeAnnotations`).

    Args:
        data_prefix: Folders of the three, below ``data_root``.
        ann_file: List of the wanted names, one per line; none takes all.
        kwargs: Those of mmengine's BaseDataset.

    A sample: ``img_path``, ``img_path2``, ``seg_map_path``.
    """

    METAINFO = dict(
        classes=('unchanged', 'changed'), palette=[[0, 0, 0], [255, 255, 255]]
    )

    def __init__(
        self,
        ann_file: str = '',
        data_prefix: dict[str, str] = dict(  # noqa: B006  mmengine copies it
            img_path='A', img_path2='B', seg_map_path='label'
        ),
        **kwargs: Any,
    ) -> None:
        expected = {'img_path', 'img_path2', 'seg_map_path'}
        if set(data_prefix) != expected:
            raise UserError(
                f'expected data_prefix to name {sorted(expected)}, got '
                f'{sorted(data_prefix)}.'
            )
        super().__init__(ann_file=ann_file, data_prefix=data_prefix, **kwargs)

    def load_data_list(self) -> list[dict]:
        """Find the pairs, and log how many there are.

        Raises:
            MissingData, UserError: See `find_pairs`.
        """
        prefix = self.data_prefix
        pairs = find_pairs(
            prefix['img_path'],
            prefix['img_path2'],
            prefix['seg_map_path'],
            self.ann_file,
        )
        print_log(f'{len(pairs)} pairs in {prefix["img_path"]}', 'current')
        return [
            dict(
                img_path=str(pair.first),
                img_path2=str(pair.second),
                seg_map_path=str(pair.mask),
                seg_fields=[],
            )
            for pair in pairs
        ]
