"""Read images and annotations of a COCO json, each entry checked."""

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from rsp.errors import MissingData, UserError
from rsp.io.files import entries_of
from rsp.io.text import load_json
from rsp.tasks.common import report
from rsp.tasks.common.class_names import ClassNames
from rsp.tasks.common.faults import Faults
from rsp.tasks.common.image_size import compare_size, read_infos, stated_length
from rsp.tasks.common.values import read_flag

# What is read of every entry of the json's lists, and of which type.
ID, TEXT = (int, float, str), (str,)
KEYS: dict[str, tuple[str, dict[str, tuple]]] = dict(
    images=('image', dict(id=ID, file_name=TEXT)),
    annotations=('annotation', dict(image_id=ID, category_id=ID)),
    categories=('category', dict(id=ID, name=TEXT)),
)
KINDS = {ID: 'a number or text', TEXT: 'a text'}
Content = dict[str, list[dict[str, Any]]]


def read_records(
    file: str | Path,
    folder: str | Path,
    names: ClassNames,
    to_instances: Callable[[dict, dict], list[dict]],
) -> list[dict[str, Any]]:
    """Read mmdet's records of images, and log what the json holds.

    Args:
        file: The json.
        folder: Of the images.
        names: Known classes.
        to_instances: Makes instances of an annotation, given the record of its image,
            without their class and ``ignore_flag``; a `UserError` is its fault.

    Raises:
        MissingData: If the json or images are missing.
        UserError: If entries are malformed or do not fit, all named at once.
    """
    content = _content(Path(file))
    faults = Faults(file)
    for key, (noun, types) in KEYS.items():
        _require(content[key], noun, types, faults)
    faults.refuse()
    categories: dict[Any, str] = {}
    for category in content['categories']:
        if category['id'] in categories:
            faults.add(f'two categories have the id {category["id"]!r}; keep one.')
        categories[category['id']] = category['name']
    images = _images(content['images'], Path(folder), faults)
    _annotations(
        content['annotations'], images, categories, names, to_instances, faults
    )
    faults.refuse()
    records = list(images.values())
    report.log_contents(str(file), records, names.classes)
    _log_leftovers(str(file), Path(folder), content, categories.values(), names)
    return records


def _content(file: Path) -> Content:
    if not file.is_file():
        raise MissingData(
            f"expected a COCO json at '{file}', there is none; make it or change "
            "'data_root' and 'ann_file'."
        )
    try:
        content = load_json(file.read_bytes())
    except ValueError as error:
        raise UserError(f"'{file}' is no JSON ({error}); was it cut off?") from error
    if not isinstance(content, dict) or any(
        not isinstance(content.get(key), list) for key in KEYS
    ):
        raise UserError(
            f"expected lists 'images', 'annotations' and 'categories' in '{file}', as "
            "in COCO's instances_*.json."
        )
    if not content['images']:
        raise UserError(f"expected images in '{file}', its list 'images' is empty.")
    return content


def _require(
    entries: list[Any], noun: str, types: dict[str, tuple], faults: Faults
) -> None:
    """Note the entries of a list that lack keys, or have others than wanted."""
    for number, entry in enumerate(entries):
        if not isinstance(entry, dict):
            faults.add(f'expected an object, got {entry!r}.', f'{noun} {number}')
            continue
        place = _place(noun, number, entry)
        lacking = [repr(key) for key in types if entry.get(key) is None]
        if lacking:
            faults.add(
                f'no {" and no ".join(lacking)}; add it, or remove the {noun}.', place
            )
        for key, kinds in types.items():
            value = entry.get(key)
            if value is not None and not isinstance(value, kinds):
                faults.add(f'expected {KINDS[kinds]} as {key}, got {value!r}.', place)


def _place(noun: str, number: int, entry: dict[str, Any]) -> str:
    """Name an entry by its id, or by its place in the list from 0."""
    return f'{noun} {entry.get("id", f"in place {number}")}'


def _images(entries: list[dict], folder: Path, faults: Faults) -> dict[Any, dict]:
    """Return the records of the images by id."""
    files = [folder / entry['file_name'] for entry in entries]
    # Unlike Path.is_file, no error for a name that no disk can hold.
    infos = read_infos(file for file in files if os.path.isfile(file))
    ids: dict[Path, Any] = {}
    images: dict[Any, dict] = {}
    for entry, file in zip(entries, files, strict=True):
        number = entry['id']
        stated = tuple(stated_length(entry.get(key)) for key in ('height', 'width'))
        if number in images:
            faults.add(
                f"two images have the id {number!r}, one is '{file}'; give each its "
                'own.'
            )
        elif file in ids:
            faults.add(
                f"'{file}' is listed twice, as image {ids[file]!r} and {number!r}; in "
                "each, the other one's objects would be background: join them."
            )
        ids[file] = number
        record = dict(
            img_path=str(file), img_id=number, seg_map_path=None, instances=[],
            height=stated[0], width=stated[1],
        )  # fmt: skip
        if file in infos:
            with faults.at(f'image {number}'):
                # Until its size is right, no box is judged.
                record |= dict(height=None, width=None)
                size = compare_size(infos, file, stated, 'the json')
                record['height'], record['width'] = size
        else:
            hint = ' (write / between folders)' if '\\' in entry['file_name'] else ''
            faults.add(
                f"image '{file}' does not exist{hint}; put it there or change "
                'data_prefix.',
                missing=True,
            )
        images[number] = record
    return images


def _annotations(
    entries: list[dict],
    images: Mapping[Any, dict],
    categories: Mapping[Any, str],
    names: ClassNames,
    to_instances: Callable[[dict, dict], list[dict]],
    faults: Faults,
) -> None:
    """Add the instances of all annotations to the records of their images."""
    seen: set = set()
    for number, entry in enumerate(entries):
        place = _place('annotation', number, entry)
        own = entry.get('id')  # Of no use here, and so may be missing.
        if own is not None and repr(own) in seen:
            faults.add('two have this id; give each its own.', place)
        seen.add(repr(own))
        with faults.at(place):
            _refuse_unknown('image_id', entry, images, 'images')
            _refuse_unknown('category_id', entry, categories, 'categories')
            record = images[entry['image_id']]
            label = names.number(categories[entry['category_id']])
            ignored = read_flag(entry.get('iscrowd'), 'iscrowd')
            ignored |= read_flag(entry.get('ignore'), 'ignore')
            if record['height'] is None or record['width'] is None:
                continue
            common = dict(bbox_label=label, ignore_flag=int(ignored))
            record['instances'] += [i | common for i in to_instances(entry, record)]


def _refuse_unknown(
    key: str, entry: Mapping[str, Any], known: Mapping[Any, Any], noun: str
) -> None:
    value = entry[key]
    if value in known:
        return
    alike = [k for k in known if str(k) == str(value)]
    if alike:
        this, others = (
            ('text', 'numbers') if isinstance(value, str) else ('number', 'texts')
        )
        raise UserError(
            f'its {key} {value!r} is a {this}, the {noun} have {others} '
            f'({alike[0]!r}); write both as numbers.'
        )
    remedy = 'add the image or remove the annotation'
    if noun == 'categories':
        remedy = f'{[*known][:20]}; correct it'
    raise UserError(f"its {key} {value!r} is none of '{noun}', {remedy}.")


def _log_leftovers(
    file: str, folder: Path, content: Content, found: Iterable[str], names: ClassNames
) -> None:
    listed = defaultdict(set)
    for image in content['images']:
        path = folder / image['file_name']
        listed[path.parent].add(path.name)
    for place, files in listed.items():
        more = {f.name for f in entries_of(place) if f.is_file()} - files
        if more:
            report.log(f"{file}: {len(more)} files in '{place}' are not in it.")
    unused = sorted(name for name in found if name not in names)
    if unused:
        report.log(
            f'{file}: categories without an annotation that are no class: '
            f'{", ".join(unused)}.'
        )
