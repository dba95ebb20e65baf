"""Read annotations in the xml of Pascal VOC, with upright or oriented boxes."""

import math
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rsp.errors import UserError
from rsp.tasks.common.faults import Faults
from rsp.tasks.common.image_size import compare_size, read_infos, stated_length
from rsp.tasks.common.values import read_flag

BOX = ('bndbox/xmin', 'bndbox/ymin', 'bndbox/xmax', 'bndbox/ymax')
# Of DIOR-R, around the box.
ORIENTED_BOX = tuple(
    f'robndbox/{axis}_{corner}'
    for corner in ('left_top', 'right_top', 'right_bottom', 'left_bottom')
    for axis in 'xy'
)


class VOCObject(NamedTuple):
    """Store one object as its file has it.

    Attributes:
        name: Class.
        numbers: Values of the fields that were read.
        difficult: 0 or 1.
        place: Its number in the file, such as ``'object 3'``.
    """

    name: str
    numbers: tuple[float, ...]
    difficult: int
    place: str


def read_images(
    pairs: Mapping[str, tuple[Path, ...]],
    fields: Sequence[str],
    to_instances: Callable[[VOCObject, dict], list[dict]],
    faults: Faults,
) -> list[dict[str, Any]]:
    """Read mmdet's records of images.

    Args:
        pairs: Image and xml by name.
        fields: Numbers to read of each object, `BOX` or `ORIENTED_BOX`.
        to_instances: Makes instances of an object, given the record of its image; a
            `UserError` is a fault of the object.
        faults: Gets malformed files and objects.
    """
    records = []
    infos = read_infos(image for image, _ in pairs.values())
    for name, (image, xml) in pairs.items():
        with faults.at(f"'{xml}'"):
            stated, objects = read_annotation(xml, fields, faults)
            height, width = compare_size(infos, image, stated, '<size>')
            record: dict[str, Any] = dict(
                img_id=name,
                img_path=str(image),
                file_name=image.name,
                xml_path=str(xml),
                height=height,
                width=width,
                instances=[],
            )
            for thing in objects:
                with faults.at(f"'{xml}', {thing.place}"):
                    record['instances'] += to_instances(thing, record)
            records.append(record)
    return records


def read_annotation(
    file: Path, fields: Sequence[str], faults: Faults
) -> tuple[tuple[float | None, float | None], list[VOCObject]]:
    """Read size and objects of an image.

    Args:
        file: The xml.
        fields: Numbers to read of each object, `BOX` or `ORIENTED_BOX`.
        faults: Gets malformed objects, with file and number.

    Returns:
        (height, width) in pixels, each None where the xml has none, and the objects.

    Raises:
        UserError: If the file is no XML.
    """
    try:
        root = ET.parse(file).getroot()
    except (ET.ParseError, LookupError) as error:  # The latter of its encoding.
        raise UserError(f'not XML, {error}; repair the file.') from error
    if root.find('object') is None and root.find('.//object') is not None:
        raise UserError(
            f'expected <object> directly below <{root.tag}>, got it deeper: the image '
            'would have no objects; move them up.'
        )
    objects = []
    for number, element in enumerate(root.findall('object'), start=1):
        place = f'object {number}'
        with faults.at(f"'{file}', {place}"):
            objects.append(
                VOCObject(
                    _text(element, 'name'),
                    tuple(_number(element, field) for field in fields),
                    int(read_flag(element.findtext('difficult'), '<difficult>')),
                    place,
                )
            )
    height, width = (
        stated_length(root.findtext(f'size/{key}')) for key in ('height', 'width')
    )
    return (height, width), objects


def _text(element: ET.Element, field: str) -> str:
    text = (element.findtext(field) or '').strip()
    if not text:
        raise UserError(
            f'expected a <{field}>, there is none; add it, or choose the folder of '
            'files that have it.'
        )
    return text


def _number(element: ET.Element, field: str) -> float:
    text = _text(element, field)
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise UserError(f"expected a number in <{field}>, got '{text}'; correct it.")
    return number
