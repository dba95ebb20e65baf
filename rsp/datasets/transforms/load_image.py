"""Load images of any common kind: 8-bit colors, or floats of any bands."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import cv2
import mmcv
import numpy as np
from mmcv.transforms import LoadImageFromFile as MMCVLoader
from mmengine import fileio

from rsp.datasets.transforms.loader_arguments import three_positions, whole_images
from rsp.datasets.transforms.loader_log import tell, tell_slow_jpegs
from rsp.datasets.transforms.reduced_jpeg import reduce_jpeg
from rsp.datasets.transforms.shown_bands import find_shown, stretch
from rsp.errors import UserError
from rsp.io.images import (
    ColorRule,
    Content,
    read_content,
    read_info,
    read_pixels,
    read_stored,
)
from rsp.io.stores import read_stored_image, require_same_colors
from rsp.ops import check
from rsp.registry import TRANSFORMS


@TRANSFORMS.register_module()
class LoadImageFromFile(MMCVLoader):
    """Load an image as mmcv's loader does, with the right pixels of every kind of file.

    Ordinary JPEGs and PNGs come as from mmcv, bit for bit. TIFFs are read by rasterio:
    OpenCV multiplies the colors of four bands by the fourth, reads one band three times
    where the file does not call them colors, and cuts 16 bits to the upper 8. See
    `rsp.io.images.ColorRule` for what becomes of which file, and `Picture` for pixels
    without data. What may be right but should be known is logged, once of each kind.

    With ``reflectance`` an image of any type and number of bands comes as floats, as
    `rsp.SceneDataset` reads windows of scenes: 13 bands of Sentinel-2, radar.

    Required key: ``img_path``. Added keys: ``img`` (H, W, 3), uint8, BGR;
    ``img_shape``, ``ori_shape``; ``value_range`` where ``reflectance`` tells it.

    Args:
        stretch: Low and high stored value that become 0 and 255, for files of more than
            8 bits, or such a pair for each of red, green and blue.
        bands: Numbers of the red, green and blue band from 1; other than three come in
            the order given, (H, W, C). Names, such as ``'B04'`` or ``'nir'``, are found
            in each file by its own words; see `rsp.geo.bands.choice.BandChoice`.
        reflectance: Gives float32 instead, of other bands than ``bands`` tells all but
            alpha: ``scale``, ``radiometry`` and ``value_range`` of
            `rsp.geo.radiometry.Reflectance`. Needs rasterio.
        shown: Positions, from 1, in ``bands`` of the three that pictures show as red,
            green and blue; None for these colors where a file or its sensor tells its
            bands, else the first three.
        min_size: Pixels that both edges keep where an ordinary JPEG is decoded reduced
            by 2, 4 or 8, for pipelines that squeeze the image to no more; None decodes
            all pixels. ``reduction`` of the results tells the number.
        kwargs: Those of mmcv's loader. ``imdecode_backend`` concerns JPEG, PNG, GIF,
            BMP and WebP; ``color_type='unchanged'`` gives any file's bands as they are
            stored, but three and four with the first and third exchanged.

    Raises:
        MissingData: If there is no such file.
        UserError: If it cannot be read, has more than 8 bits and there is no
            ``stretch``, or is no image of one page.
    """

    def __init__(
        self,
        *args: Any,
        stretch: Sequence | None = None,
        bands: Sequence[int | str] | Mapping[str, Any] | None = None,
        reflectance: Mapping[str, Any] | None = None,
        shown: Sequence[int] | None = None,
        min_size: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.min_size = min_size
        tell_slow_jpegs()
        if reflectance is not None and stretch is not None:
            raise UserError(
                "expected 'stretch' to 8 bits or 'reflectance' of rsp.LoadImageFromFile"
                ', got both; drop one.'
            )
        self.bands = bands
        self.shown = None if shown is None else three_positions(shown)
        # Reads floats, or finds bands by their names.
        self.floats = self.named = None
        numbers: Any = None
        if reflectance is not None:
            self.floats = whole_images(bands, reflectance)
        elif isinstance(bands, Mapping) or any(isinstance(b, str) for b in bands or ()):
            self.named = whole_images(bands, None)
        else:
            numbers = bands
        self.rule = ColorRule(stretch, numbers)

    @property
    def channels(self) -> int | None:
        """Number of bands of its images; None if only the files tell."""
        images = self.floats or self.named
        if images is not None:
            names = images.choice.names
            return None if names is None else len(names)
        if self.color_type == 'unchanged':
            return None
        return 3 if self.rule.bands is None else len(self.rule.bands)

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
            reduced = None
            if self.min_size is not None and self.reads_plainly:
                content = self.stored(path)
                content = read_content(path) if content is None else content
                reduced = reduce_jpeg(content, self.min_size)
            image = reduced.pixels if reduced else self.read(path)
        except UserError:
            if self.ignore_empty:
                return None
            raise
        if self.to_float32:
            image = image.astype(np.float32)
        results['img'] = image
        results['img_shape'] = results['ori_shape'] = image.shape[:2]
        if reduced:
            results['ori_shape'], results['reduction'] = reduced[1:]
        limits = self.value_range('bgr', image)
        return results if limits is None else results | dict(value_range=limits)

    @property
    def reads_plainly(self) -> bool:
        """Tell whether an ordinary JPEG is read as it is, by the usual decoder."""
        asks_for_bands = self.rule.bands or self.named or self.floats
        plain = (self.color_type, self.imdecode_backend) == ('color', 'cv2')
        return plain and not asks_for_bands

    def value_range(self, order: str, image: np.ndarray) -> np.ndarray | None:
        """Return black and white, (2,) or a pair per band; None if they are not known.

        Args:
            order: See `read`.
            image: As read.
        """
        if self.floats is None:
            return None
        limits = self.floats.reflectance.output_range()
        is_reversed = order == 'bgr' and image.shape[2] == 3
        per_band = limits is not None and limits.ndim == 2
        return limits[::-1] if is_reversed and per_band else limits

    def read(
        self, path: str, order: str = 'bgr', content: bytes | None = None
    ) -> np.ndarray:
        """Read a file as `transform` does, and log what is to be known of it.

        Args:
            path: Of the file.
            order: ``'bgr'`` or ``'rgb'``, of three bands.
            content: Of the file, where it was read before.
        """
        content = self.stored(path) if content is None else content
        if self.floats is not None:
            image = self.floats.read(path, content)
            swap = image.shape[2] == 3 and order == 'bgr'
            return np.ascontiguousarray(image[..., ::-1]) if swap else image
        if self.color_type == 'unchanged':
            return self._unchanged(path, content, order)
        rule = self._rule_of(path, content)
        options: dict[str, Any] = {}
        if (self.color_type, self.imdecode_backend) != ('color', 'cv2'):
            options['decode'] = self._decode
        pixels = read_pixels(path, rule, content, order, tell=tell, **options)
        if self.color_type.startswith('grayscale'):
            return cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
        return pixels

    def picture(self, path: str) -> np.ndarray:
        """Read a file to look at, see `look`."""
        return self.look(path)[0]

    def look(self, path: str) -> tuple[np.ndarray, str]:
        """Read a file to look at, and say which bands are seen.

        Three of other bands are ``shown``, floats between the 2nd and 98th percentile
        of each band of the image.

        Returns:
            The picture, (H, W, 3), uint8, RGB, and a line on its colors; empty where
            they are those of the file.

        Raises:
            UserError: If it cannot be read, or has fewer bands than ``shown`` asks for.
        """
        image = self.read(path, 'rgb')
        image = image[..., None] if image.ndim == 2 else image
        bands = image.shape[2]
        if bands == 3 and image.dtype == np.uint8:
            return image, ''
        shown, said = find_shown(self, path, bands)
        check.between("'shown' of rsp.LoadImageFromFile", max(shown), 1, bands)
        chosen = image[..., [position - 1 for position in shown]]
        if chosen.dtype == np.uint8:
            return np.ascontiguousarray(chosen), said
        return stretch(chosen), f'{said}, 2nd to 98th percentile of each image'

    def judge(self, path: str) -> None:
        """Judge a file by its header as `read` does, without reading its pixels.

        Files that are missing or damaged, and those of a file backend, pass: they are
        refused when they are read.

        Raises:
            UserError: If its kind would be refused.
        """
        remote = self.backend_args or self.file_client_args or '://' in str(path)
        if remote or (self.color_type == 'unchanged' and self.floats is None):
            return
        try:
            info = read_info(path)
        except UserError:
            return
        content = self._packed(path)
        if self.floats is not None:
            self.floats.judge(path, content)
            return
        rule = self._rule_of(path, content)
        rule.require_whole(info)
        tell(path, rule.notes(info))

    def _rule_of(self, path: str, content: Any = None) -> ColorRule:
        """Return the rule for a file, whose bands may be asked for by name."""
        if self.named is None:
            return self.rule
        return replace(self.rule, bands=self.named.numbers(path, content))

    def stored(self, path: str) -> Any:
        """Return what a file backend or a packed store gives; None for other files."""
        if self.file_client_args is not None:
            client = fileio.FileClient.infer_client(self.file_client_args, path)
            return client.get(path)
        if self.backend_args is None and '://' not in str(path):
            return self._packed(path)
        return fileio.get(path, backend_args=self.backend_args)

    def _packed(self, path: str) -> Content | None:
        """Return what a packed store holds of an image; None for other files.

        Raises:
            UserError: If it became colors in another way than this loader's.
        """
        content = read_stored_image(path)
        chosen = bool(self.floats or self.named or self.rule.bands)
        if content is not None and (chosen or self.rule.stretch is not None):
            require_same_colors(path, chosen, self.rule.stretch)
        return content

    def _decode(self, content: bytes) -> np.ndarray:
        image = mmcv.imfrombytes(
            content, self.color_type, backend=self.imdecode_backend
        )
        return cv2.cvtColor(image, cv2.COLOR_GRAY2BGR) if image.ndim == 2 else image

    def _unchanged(self, path: str, content: Content | None, order: str) -> np.ndarray:
        """Return stored values; red, green and blue of 3 or 4 bands in ``order``."""
        stored = read_stored(path, content)
        if stored.ndim == 3 and stored.shape[2] in (3, 4) and order == 'bgr':
            stored = stored[..., [2, 1, 0, 3][: stored.shape[2]]]
        return np.ascontiguousarray(stored)

    def __repr__(self) -> str:
        given = f'stretch={self.rule.stretch}, bands={self.bands}'
        if self.floats is not None:
            given += f', reflectance={self.floats.reflectance}'
        return f'{super().__repr__()[:-1]}, {given})'
