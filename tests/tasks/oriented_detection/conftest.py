"""Small DOTA and DIOR-R data in the published layouts."""

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

import rsp.tasks.oriented_detection  # noqa: F401  Registers the data sets.
from rsp.tasks.common.dota import CLASSES

HEADER = 'imagesource:GoogleEarth\ngsd:0.146343590398\n'
DIOR_CORNERS = (
    'x_left_top', 'y_left_top', 'x_right_top', 'y_right_top',
    'x_right_bottom', 'y_right_bottom', 'x_left_bottom', 'y_left_bottom',
)  # fmt: skip


def draw(file: Path, polygons: Sequence, size: tuple[int, int], seed: int) -> None:
    """Write a noisy image (height, width) with the objects in bright colors."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(90, size=(*size, 3), dtype=np.uint8)
    for number, polygon in enumerate(polygons):
        corners = np.round(np.reshape(polygon, (4, 2))).astype(np.int32)
        color = [(40, 220, 240), (250, 120, 60)][number % 2]
        cv2.fillPoly(pixels, [corners], color)
    file.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(file), pixels)


def boxes(count: int, size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Corners of random rotated boxes within an image, rounded as DOTA's."""
    polygons = []
    for _ in range(count):
        w, h, angle = rng.uniform(10, 24), rng.uniform(6, 12), rng.uniform(0, np.pi)
        x, y = rng.uniform(14, size[1] - 14), rng.uniform(14, size[0] - 14)
        rect = ((x, y), (w, h), np.degrees(angle))
        polygons.append(cv2.boxPoints(rect).astype(float).round(1).reshape(-1))
    return np.array(polygons).reshape(-1, 8)


@pytest.fixture
def write_dota(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a DOTA split: images, labelTxt."""

    def write(
        split: str,
        names: Sequence[str] = ('P0003', 'P0017'),
        size: tuple[int, int] = (96, 120),
        count: int = 6,
        labels: str | None = 'labelTxt',
        root: str = 'DOTA',
        ending: str = '.png',
        header: str = HEADER,
    ) -> Path:
        folder = tmp_path / root / split
        for seed, name in enumerate(names):
            rng = np.random.default_rng(seed)
            polygons = boxes(count, size, rng)
            draw(folder / 'images' / f'{name}{ending}', polygons, size, seed)
            if labels is None:
                continue
            lines = []
            for number, corners in enumerate(polygons):
                kind, difficult = CLASSES[4 + number % 2], number % 3 // 2
                lines.append(
                    f'{" ".join(map(str, corners.tolist()))} {kind} {difficult}'
                )
            (folder / labels).mkdir(exist_ok=True)
            text = header + ''.join(line + '\n' for line in lines)
            (folder / labels / f'{name}.txt').write_text(text)
        return folder

    return write


@pytest.fixture
def write_dior(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a small DIOR-R in its original layout."""

    def write(size: tuple[int, int] = (64, 80)) -> Path:
        root = tmp_path / 'data' / 'DIOR'
        lists = root / 'ImageSets' / 'Main'
        xmls = root / 'Annotations' / 'Oriented Bounding Boxes'
        lists.mkdir(parents=True)
        xmls.mkdir(parents=True)
        names = iter(range(1, 100))
        for split, part in (
            ('train', 'trainval'),
            ('val', 'trainval'),
            ('test', 'test'),
        ):
            listed = [f'{next(names):05d}' for _ in range(2)]
            (lists / f'{split}.txt').write_text('\n'.join(listed) + '\n')
            for name in listed:
                polygons = boxes(4, size, np.random.default_rng(int(name)))
                file = root / f'JPEGImages-{part}' / f'{name}.jpg'
                draw(file, polygons, size, int(name))
                (xmls / f'{name}.xml').write_text(dior_xml(polygons, size))
        return root

    return write


def dior_xml(polygons: np.ndarray, size: tuple[int, int]) -> str:
    """The xml of one image; names have capitals, as some of DIOR-R's."""
    objects = ''.join(
        f'<object><type>robndbox</type><name>{name}</name><difficult>0</difficult>'
        '<robndbox>'
        + ''.join(f'<{c}>{v}</{c}>' for c, v in zip(DIOR_CORNERS, polygon, strict=True))
        + '</robndbox><angle>0</angle></object>'
        for polygon, name in zip(
            polygons, ['ship', 'Expressway-Service-area'] * len(polygons), strict=False
        )
    )
    return (
        f'<annotation><size><width>{size[1]}</width><height>{size[0]}</height>'
        f'<depth>3</depth></size>{objects}</annotation>'
    )
