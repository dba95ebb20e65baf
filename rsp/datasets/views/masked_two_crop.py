"""Crop two views of a scene, locate their patches and mask some of them."""

from collections.abc import Sequence
from typing import Any

import mmcv
import numpy as np
import torch
from mmcv.transforms import BaseTransform, Compose
from mmpretrain.datasets.transforms import RandomResizedCrop

from rsp.datasets.views.view_set import ViewSet
from rsp.errors import UserError
from rsp.ops.masking import draw_mask
from rsp.ops.patches import patch_centers
from rsp.ops.views.resizing import resize
from rsp.registry import TRANSFORMS

# What transforms of a view may ask of its image.
FACTS = ('value_range', 'img_path')


@TRANSFORMS.register_module()
class MaskedTwoCrop(BaseTransform):
    """Crop views of a scene; add the centers of their patches and a mask for each.

    Crops, flips and masks are drawn independently for every view; crops may even lie
    apart. Everything about a view comes from its one integer box, so that positions are
    those of the pixels. Images of 8 bits take the fast way that `LoadViews` describes:
    antialiased, both when squeezed, which OpenCV's bicubic is not, and when cut.

    Required key: ``img``; where there are ``view_boxes`` of
    ``rsp.SampleOverlappingBoxes``, the crops are those. Changed: ``img``, a list of
    views (size, size, C). Added: ``masks`` (V, s, s), uint8, 1 where masked, with
    s = size / mask_patch_size; ``positions`` (V, g, g, 2), float32, the centers of the
    patches, with g = size / stride, in pixels of the scene: of the resized one if
    ``resize_first``, else of the image as it is.

    Args:
        size: Height and width of a view, pixels.
        transforms: What is done to each view after crop and flip: a list per view.
            Nothing in it may move pixels.
        mask_patch_size: Edge of the patches that are masked or seen whole, pixels.
        stride: Pixels per patch of the backbone's map.
        mask_ratio: Share of masked patches, rounded up.
        crop_ratio_range: Area of a crop as a share of the scene's.
        aspect_ratio_range: Width to height of a crop.
        flip_prob: Share of views mirrored left to right.
        resize_first: Whether the scene is squeezed to size x size before it is cropped,
            as published; else views are cut from all its pixels.
        exact_pillow: Whether the transforms run as they are, and OpenCV resizes as
            published; see `LoadViews`. So they do on images that have not 8 bits.

    Raises:
        UserError: If patch or stride do not divide the size, or ``view_boxes`` do not
            fit the arguments.
    """

    def __init__(
        self,
        size: int = 224,
        transforms: Sequence[Sequence[dict]] = ((), ()),
        mask_patch_size: int = 32,
        stride: int = 32,
        mask_ratio: float = 0.6,
        crop_ratio_range: tuple[float, float] = (0.3, 1.0),
        aspect_ratio_range: tuple[float, float] = (3 / 4, 4 / 3),
        flip_prob: float = 0.5,
        resize_first: bool = True,
        exact_pillow: bool = False,
    ) -> None:
        for name, edge in (('mask_patch_size', mask_patch_size), ('stride', stride)):
            if edge < 1 or size % edge:
                raise UserError(
                    "expected a 'size' of rsp.MaskedTwoCrop divisible by its "
                    f"'{name}', got {size} and {edge}; take {name}={edge} with size="
                    f'{max(round(size / max(edge, 1)), 1) * max(edge, 1)}, or another '
                    f'{name}.'
                )
        self.size = size
        self.mask_grid = (size // mask_patch_size, size // mask_patch_size)
        self.map_grid = (size // stride, size // stride)
        self.mask_ratio, self.flip_prob = mask_ratio, flip_prob
        self.resize_first = resize_first
        self.crop = RandomResizedCrop(
            scale=size,
            crop_ratio_range=tuple(crop_ratio_range),
            aspect_ratio_range=tuple(aspect_ratio_range),
        )
        # Of images that are not of 8 bits, too.
        self.pipelines = [Compose(list(steps)) for steps in transforms]
        self.exact_pillow = exact_pillow
        self.views = None
        if not exact_pillow:
            cut = dict(
                type='RandomResizedCrop',
                scale=size,
                crop_ratio_range=crop_ratio_range,
                aspect_ratio_range=aspect_ratio_range,
            )
            flip = dict(type='RandomFlip', prob=flip_prob)
            steps = [[cut, flip, *colors] for colors in transforms]
            self.views = ViewSet(steps, [1] * len(steps))

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Replace ``img`` by its views; add masks and positions."""
        if results.get('reduction', 1) > 1 and not self.resize_first:
            raise UserError(
                'expected all pixels for resize_first=False of rsp.MaskedTwoCrop, got '
                f'1 of {results["reduction"]} each way; leave out min_size of the '
                'loader.'
            )
        boxes = self._given_boxes(results)
        if self.views is None or results['img'].dtype != np.uint8:
            views, positions = self._exact_views(results, boxes)
        else:
            views, positions = self._fast_views(results['img'], boxes, self.views)
        masks = [draw_mask(self.mask_grid, self.mask_ratio) for _ in views]
        results.update(
            img=views,
            img_shape=(self.size, self.size),
            masks=torch.from_numpy(np.stack(masks)),
            positions=torch.stack(positions),
        )
        return results

    def _fast_views(
        self, scene: np.ndarray, boxes: list, views: ViewSet
    ) -> tuple[list[np.ndarray], list[torch.Tensor]]:
        scene = scene[..., None] if scene.ndim == 2 else scene
        if self.resize_first:
            scene = resize(scene, (self.size, self.size), cubic=True)
        images, positions = [], []
        drawn = views.draw(scene.shape[:2], scene.shape[2], {})
        for view, box in zip(drawn, boxes, strict=True):
            if box is not None:
                view.geometry[:4] = box
            images.append(view.make(scene))
            top, left, height, width, flipped = view.geometry[:5].astype(int).tolist()
            cut = top, left, height, width
            positions.append(patch_centers(cut, bool(flipped), self.map_grid))
        return images, positions

    def _exact_views(
        self, results: dict[str, Any], boxes: list
    ) -> tuple[list[np.ndarray], list[torch.Tensor]]:
        scene = results['img']
        facts = {key: results[key] for key in FACTS if key in results}
        if self.resize_first and scene.shape[:2] != (self.size, self.size):
            scene = mmcv.imresize(
                scene, (self.size, self.size), interpolation='bicubic'
            )
        views, positions = zip(
            *(
                self.view(scene, pipeline, box, facts)
                for pipeline, box in zip(self.pipelines, boxes, strict=True)
            ),
            strict=True,
        )
        return list(views), list(positions)

    def _given_boxes(self, results: dict[str, Any]) -> list:
        boxes = results.get('view_boxes')
        if boxes is None:
            return [None] * len(self.pipelines)
        if len(boxes) != len(self.pipelines) or self.resize_first:
            raise UserError(
                f"expected resize_first=False and {len(boxes)} lists of 'transforms' "
                "in rsp.MaskedTwoCrop, as many as 'view_boxes', got resize_first="
                f'{self.resize_first} and {len(self.pipelines)}.'
            )
        return list(boxes)

    def view(
        self,
        scene: np.ndarray,
        pipeline: Compose,
        box: tuple[int, int, int, int] | None = None,
        facts: dict[str, Any] | None = None,
    ) -> tuple[np.ndarray, torch.Tensor]:
        """Cut one view and locate its patches.

        Args:
            scene: Image, shape (H, W, C).
            pipeline: What follows crop and flip.
            box: Top, left, height and width of the crop; None draws them.
            facts: What else the pipeline may ask of, such as ``value_range``.

        Returns:
            The view (size, size, C) and the centers of its patches, shape (g, g, 2).
        """
        box = self.crop.rand_crop_params(scene) if box is None else box
        top, left, height, width = box
        flipped = bool(np.random.random() < self.flip_prob)
        image = mmcv.imresize(
            scene[top : top + height, left : left + width],
            (self.size, self.size),
            interpolation='bilinear',
        )
        if flipped:
            image = image[:, ::-1]
        image = pipeline({**(facts or {}), 'img': np.ascontiguousarray(image)})['img']
        return image, patch_centers(box, flipped, self.map_grid)
