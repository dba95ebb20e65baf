"""Small data sets in the real folder layouts."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

# Left, top, right, bottom; class name.
Object = tuple[tuple[float, float, float, float], str]
WIDTH, HEIGHT = 96, 80
DIOR_XML = 'Annotations/Horizontal Bounding Boxes'


def paint(file: Path, objects: Sequence[Object]) -> None:
    """An image of noise with a bright rectangle for each object."""
    file.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(len(str(file)))
    pixels = rng.integers(90, size=(HEIGHT, WIDTH, 3), dtype=np.uint8)
    for (left, top, right, bottom), name in objects:
        color = (255, 60 + 20 * len(name) % 180, 0)
        pixels[int(top) : int(bottom), int(left) : int(right)] = color
    Image.fromarray(pixels).save(file)


def xml(objects: Sequence[Object], size: bool = True) -> str:
    """Write files as labeling tools do."""
    lines = ['<annotation>', '<filename>any.jpg</filename>']
    if size:
        lines += [f'<size><width>{WIDTH}</width><height>{HEIGHT}</height></size>']
    for box, name in objects:
        keys = ('xmin', 'ymin', 'xmax', 'ymax')
        values = ''.join(f'<{k}>{v}</{k}>' for k, v in zip(keys, box, strict=True))
        lines += [
            f'<object><name>{name}</name><difficult>0</difficult>'
            f'<bndbox>{values}</bndbox></object>'
        ]
    return '\n'.join([*lines, '</annotation>'])


def boxes_for(number: int, classes: Sequence[str]) -> list[Object]:
    """Two objects in different places and classes for image `number`."""
    left, top = 5 + 3 * number, 4 + 2 * number
    return [
        ((left, top, left + 24, top + 16), classes[number % len(classes)]),
        ((left + 30, top + 20, left + 46, top + 42), classes[-1 - number % 3]),
    ]


@pytest.fixture
def write_voc(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes one image with its xml below tmp_path."""

    def write(
        image: str, objects: Sequence[Object], annotations: str, size: bool = True
    ) -> Path:
        paint(tmp_path / image, objects)
        file = tmp_path / annotations / f'{Path(image).stem}.xml'
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(xml(objects, size))
        return file

    return write


@pytest.fixture
def dior(tmp_path: Path, write_voc: Callable[..., Path]) -> Path:
    """DIOR's layout with 4 + 2 images and two of its classes, in data/DIOR."""
    root = tmp_path / 'data' / 'DIOR'
    splits = dict(trainval=range(1, 5), test=range(5, 7))
    classes = ('vehicle', 'Expressway-Service-area', 'ship')
    for split, numbers in splits.items():
        for number in numbers:
            image = f'data/DIOR/JPEGImages-{split}/{number:05d}.jpg'
            write_voc(image, boxes_for(number, classes), f'data/DIOR/{DIOR_XML}')
    lists = dict(splits, train=range(1, 3), val=range(3, 5))
    (root / 'ImageSets' / 'Main').mkdir(parents=True)
    for split, numbers in lists.items():
        names = ''.join(f'{number:05d}\n' for number in numbers)
        (root / 'ImageSets' / 'Main' / f'{split}.txt').write_text(names)
    return root


@pytest.fixture
def write_coco(tmp_path: Path) -> Callable[..., dict]:
    """Return a function that writes images and the json of them below tmp_path."""

    def write(
        json_file: str, images: str, classes: Sequence[str], count: int = 4
    ) -> dict:
        content: dict = dict(images=[], annotations=[])
        content['categories'] = [dict(id=7 + i, name=n) for i, n in enumerate(classes)]
        for number in range(1, count + 1):
            objects = boxes_for(number, classes)
            paint(tmp_path / images / f'{number}.png', objects)
            content['images'] += [
                dict(id=number, file_name=f'{number}.png', width=WIDTH, height=HEIGHT)
            ]
            for (left, top, right, bottom), name in objects:
                content['annotations'] += [
                    dict(
                        id=len(content['annotations']) + 1,
                        image_id=number,
                        category_id=7 + classes.index(name),
                        bbox=[left, top, right - left, bottom - top],
                        area=(right - left) * (bottom - top),
                        iscrowd=0,
                    )
                ]
        (tmp_path / json_file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / json_file).write_text(json.dumps(content))
        return content

    return write
