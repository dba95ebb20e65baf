"""Load images of any common kind as 8-bit colors."""

import logging
from collections.abc import Iterable, Sequence
from typing import Any

import cv2
import mmcv
import numpy as np
from mmcv.transforms import LoadImageFromFile as MMCVLoader
from mmengine import fileio
from mmengine.logging import print_log

from rsp.errors import UserError
from rsp.io.images import MENDED, ColorRule, read_info, read_pixels, read_stored
from rsp.registry import TRANSFORMS

# Facts that this process has logged.
_told: set[str] = set()


@TRANSFORMS.register_module()
class LoadImageFromFile(MMCVLoader):
    """Load an image as mmcv's loader does, with the right pixels of every kind of file.

    Ordinary JPEGs and PNGs come as from mmcv, bit for bit. TIFFs are read by rasterio:
    OpenCV multiplies the colors of four bands by the fourth, reads one band three times
    where the file does not call them colors, and cuts 16 bits to the upper 8. See
    `rsp.io.images.ColorRule` for what becomes of which file, and `Picture` for pixels
    without data. What may be right but should be known is logged, once of each kind.

    Required key: ``img_path``. Added keys: ``img`` (H, W, 3), uint8, BGR;
    ``img_shape``, ``ori_shape``.

    Args:
        stretch: Low and high stored value that become 0 and 255, for files of more than
            8 bits, or such a pair for each of red, green and blue.
        bands: Numbers of the red, green and blue band from 1; other than three come in
            the order given, (H, W, C).
        kwargs: Those of mmcv's loader. ``imdecode_backend`` concerns JPEG, PNG, GIF,
            BMP and WebP; ``color_type='unchanged'`` gives any file's bands as they are
            stored.

    Raises:
        MissingData: If there is no such file.
        UserError: If it cannot be read, has more than 8 bits and there is no
            ``stretch``, or is no image of one page.
    """

    def __init__(
        self,
        *args: Any,
        stretch: Sequence | None = None,
        bands: Sequence[int] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.rule = ColorRule(stretch, bands)

    @classmethod
    def like(cls, loader: MMCVLoader) -> 'LoadImageFromFile':
        """Return one with the settings of mmcv's."""
        ours = cls()
        ours.__dict__.update(vars(loader))
        return ours

    def transform(self, results: dict) -> dict | None:
        """Load the image of ``results['img_path']``."""
        path = results['img_path']
        try:
            image = self.read(path)
        except UserError:
            if self.ignore_empty:
                return None
            raise
        if self.to_float32:
            image = image.astype(np.float32)
        results['img'] = image
        results['img_shape'] = results['ori_shape'] = image.shape[:2]
        return results

    def read(self, path: str, order: str = 'bgr') -> np.ndarray:
        """Read a file as `transform` does, and log what is to be known of it.

        Args:
            path: Of the file.
            order: ``'bgr'`` or ``'rgb'``, of three bands.
        """
        content = self._content(path)
        if self.color_type == 'unchanged':
            return self._unchanged(path, content)
        options: dict[str, Any] = {}
        if (self.color_type, self.imdecode_backend) != ('color', 'cv2'):
            options['decode'] = self._decode
        pixels = read_pixels(path, self.rule, content, order, tell=tell, **options)
        if self.color_type.startswith('grayscale'):
            return cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
        return pixels

    def judge(self, path: str) -> None:
        """Judge a file by its header as `read` does, without reading its pixels.

        Files that are missing or damaged, and those of a file backend, pass: they are
        refused when they are read.

        Raises:
            UserError: If its kind would be refused.
        """
        remote = self.backend_args or self.file_client_args or '://' in str(path)
        if self.color_type == 'unchanged' or remote:
            return
        try:
            info = read_info(path)
        except UserError:
            return
        self.rule.require_whole(info)
        tell(path, self.rule.notes(info))

    def _content(self, path: str) -> bytes | None:
        """Return what a file backend gives; None for files of this machine."""
        if self.file_client_args is not None:
            client = fileio.FileClient.infer_client(self.file_client_args, path)
            return client.get(path)
        if self.backend_args is None and '://' not in str(path):
            return None
        return fileio.get(path, backend_args=self.backend_args)

    def _decode(self, content: bytes) -> np.ndarray:
        image = mmcv.imfrombytes(
            content, self.color_type, backend=self.imdecode_backend
        )
        return cv2.cvtColor(image, cv2.COLOR_GRAY2BGR) if image.ndim == 2 else image

    def _unchanged(self, path: str, content: bytes | None) -> np.ndarray:
        """Return stored values; of three or four bands the first three as BGR."""
        stored = read_stored(path, content)
        if stored.ndim == 3 and stored.shape[2] in (3, 4):
            stored = stored[..., [2, 1, 0, 3][: stored.shape[2]]]
        return np.ascontiguousarray(stored)

    def __repr__(self) -> str:
        given = f'stretch={self.rule.stretch}, bands={self.rule.bands}'
        return f'{super().__repr__()[:-1]}, {given})'


def tell(path: str, notes: Iterable[str]) -> None:
    """Log what is to be known of a file, each kind once in a process.

    Damage that was mended is no kind of files: each one is named, once.
    """
    for note in notes:
        single = note == MENDED
        if (key := f'{path}: {note}' if single else note) in _told:
            continue
        _told.add(key)
        rest = '' if single else '; likewise in others of its kind, not logged again'
        print_log(
            f"'{path}' has {note}{rest}.", logger='current', level=logging.WARNING
        )
