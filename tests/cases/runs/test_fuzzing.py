"""Every reader of foreign text returns a value or a UserError, and never hangs."""

import json
import string
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rsp import checkpoints
from rsp.checkpoints.reading.config import config_values
from rsp.datasets import ImageFolder
from rsp.errors import UserError
from rsp.geo.land_cover.class_maps import load_class_map
from rsp.geo.land_cover.label_file import read_labels
from rsp.geo.scene_index import _read as read_index
from rsp.prepare.progress_log import ProgressLog
from rsp.tasks.common import coco, dota, voc
from rsp.tasks.common.class_names import ClassNames
from rsp.tasks.common.faults import Faults
from rsp.tasks.common.listing import read_list
from rsp.visualization.scalars import read_scalars

NAMES = ClassNames(('ship', 'plane'))
COUNTS = dict.fromkeys(('Water bodies', 'Forest'), 1)


def read_voc(file: Path) -> object:
    faults = Faults(file)
    found = voc.read_annotation(file, voc.BOX, faults)
    faults.refuse()
    return found


def read_dota(file: Path) -> object:
    faults = Faults(file)
    found = dota.read_labels(file, NAMES, faults)
    faults.refuse()
    return found


def read_coco(file: Path) -> object:
    return coco.read_records(file, file.parent, NAMES, lambda thing, image: [])


def read_names(file: Path) -> object:
    faults = Faults(file)
    found = read_list(file, faults)
    faults.refuse()
    return found


def read_image_list(file: Path) -> object:
    return len(ImageFolder(str(file.parent), ann_file=file.name))


def read_curves(file: Path) -> object:
    log = file.parent / 'run/vis_data/scalars.json'
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_bytes(file.read_bytes())
    return read_scalars(file.parent)


LABEL = dict(image='a.tif', window=[0, 0, 8, 8], counts={}, coverage=1.0, valid=0.5)
COCO = dict(
    images=[dict(id=1, file_name='a.png', width=8, height=8)],
    annotations=[dict(id=1, image_id=1, category_id=1, bbox=[0, 0, 4, 4], iscrowd=0)],
    categories=[dict(id=1, name='ship')],
)
XML = (
    '<annotation><size><width>8</width><height>8</height></size><object><name>ship'
    '</name><difficult>0</difficult><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>4</xmax>'
    '<ymax>4</ymax></bndbox></object></annotation>'
)
# Name and whole content of a file, and what reads it.
READERS = dict(
    labels=(
        'labels.jsonl',
        json.dumps({'rsp_land_cover_labels': 1}) + '\n' + json.dumps(LABEL) + '\n',
        read_labels,
    ),
    class_map=('map.json', '{"1": "water", "2": "forest", "0": "no data"}',
               load_class_map),
    voc=('a.xml', XML, read_voc),
    dota=('a.txt', 'imagesource:x\n1 1 4 1 4 4 1 4 ship 0\n', read_dota),
    coco=('a.json', json.dumps(COCO), read_coco),
    names=('names.txt', 'a\nb.png\n', read_names),
    images=('list.txt', 'a.png 0\nb.png 1\n', read_image_list),
    index=('index.jsonl', '{"rsp_scene_index": 1, "count": 1}\n{"path": "a"}\n',
           read_index),
    progress=('log.jsonl', '{"settings": {}}\n{"key": "a"}\n',
              lambda file: ProgressLog(file, {})),
    curves=('scalars.json', '{"loss": 1.5, "step": 1}\n', read_curves),
    config=('a.py', 'model = dict(a=[1, 2], b=dict(c="d"))\n',
            lambda file: config_values(file.read_text(errors='replace'))),
    checkpoint=('a.pth', 'PK\x03\x04', checkpoints.read),
    safetensors=('a.safetensors', '\x08\0\0\0\0\0\0\0{"a": 1}', checkpoints.read),
)  # fmt: skip
NASTY = (
    b'\0', b'\xff\xfe', b'\xef\xbb\xbf', b'\r', b'\n\n', b'"', b'null', b'1e999',
    b'-1', b'NaN', b'9' * 400, b'[' * 5000, b'{"a":' * 5000, b'<a>' * 3000, b'\xc3',
    b'<!DOCTYPE a [<!ENTITY b SYSTEM "/etc/passwd">]>', b'true', b'{}', b'[]', b'""',
)  # fmt: skip


@st.composite
def damaged(draw, whole: bytes) -> bytes:
    """Cut, replace and insert bytes of a file, a few times."""
    content = whole
    for _ in range(draw(st.integers(1, 3))):
        first = draw(st.integers(0, len(content)))
        last = draw(st.integers(first, min(first + 12, len(content))))
        pieces = st.sampled_from(NASTY) | st.text(string.printable, max_size=6).map(
            str.encode
        )
        content = (
            content[:first] + draw(pieces | st.binary(max_size=6)) + content[last:]
        )
    return content


def check(name: str, folder: Path, content: bytes) -> None:
    file_name, _, read = READERS[name]
    file = folder / file_name
    file.write_bytes(content)
    try:
        read(file)
    except UserError as error:
        assert str(error)  # noqa: PT017


@pytest.fixture
def folder(tmp_path, write_images):
    write_images('.', ['a.png', 'b.png'])
    return tmp_path


@pytest.mark.parametrize('name', READERS)
def test_damaged_text_is_read_or_refused(name, folder):
    whole = READERS[name][1].encode()

    @settings(
        max_examples=60, deadline=5000, database=None, derandomize=True,
        suppress_health_check=[*HealthCheck],
    )  # fmt: skip
    @given(damaged(whole))
    def run(content: bytes) -> None:
        check(name, folder, content)

    check(name, folder, whole)
    for nasty in NASTY:
        check(name, folder, nasty)
        check(name, folder, whole + nasty)
    run()


@pytest.mark.slow
@pytest.mark.parametrize('name', READERS)
def test_thousands_of_damaged_texts(name, folder):
    @settings(
        max_examples=3000, deadline=5000, database=None,
        suppress_health_check=[*HealthCheck],
    )  # fmt: skip
    @given(damaged(READERS[name][1].encode()))
    def run(content: bytes) -> None:
        check(name, folder, content)

    run()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)


@pytest.mark.parametrize(
    ('name', 'whole'),
    [('labels', LABEL), ('coco', COCO), ('class_map', {'1': 'water'})],
)
def test_any_value_at_any_place_of_a_json_is_read_or_refused(name, whole, folder):
    places = [*_places(whole)]

    @settings(
        max_examples=150, deadline=5000, database=None, derandomize=True,
        suppress_health_check=[*HealthCheck],
    )  # fmt: skip
    @given(st.sampled_from(places), JSON)
    def run(place, value) -> None:
        text = json.dumps(_with(whole, place, value))
        if name == 'labels':
            text = json.dumps({'rsp_land_cover_labels': 1}) + '\n' + text + '\n'
        check(name, folder, text.encode())

    run()


def _places(value, path=()):
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items if isinstance(value, dict | list) else ():
        if isinstance(inner, dict | list):
            yield from _places(inner, (*path, key))
        else:
            yield (*path, key)


def _with(value, path, new):
    if not path:
        return new
    key, *rest = path
    changed = value.copy()
    changed[key] = _with(value[key], rest, new)
    return changed
