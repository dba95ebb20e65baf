"""Converters on miniature downloads in the layout of the real ones."""

import subprocess
import sys
import zipfile
from pathlib import Path

import cv2
import mmseg
import numpy as np
import pytest
import tifffile
from PIL import Image

from rsp.cli import main
from rsp.ops.tiling import tile_offsets
from rsp.prepare.convert import levir_cs, loveda
from rsp.prepare.convert.isprs import convert
from rsp.prepare.convert.isprs_scenes import COLORS, POTSDAM, VAIHINGEN
from rsp.tasks.common.masks import colors_to_labels

MMSEG_TOOLS = Path(mmseg.__file__).parent / '.mim/tools/dataset_converters'
# Widths and heights of Vaihingen's scenes, in the order of the splits.
SIZES = {
    'train': (
        '1919x2569 2006x3007 1887x2557 1887x2557 1893x2566 2818x2558 1919x2565 '
        '2336x1281 1903x2546 1903x2546 2995x1783 1917x2567 1934x2563 1980x2555 '
        '1388x2555 1996x1995'
    ),
    'val': (
        '2428x2767 1887x2557 1887x2557 1887x2557 1887x2557 1922x2575 1919x2565 '
        '1919x2565 1866x2315 1903x2546 1903x2546 1917x3313 1917x2563 1980x2555 '
        '1581x2555 2805x1884 3816x2550'
    ),
}


def scene(rng, size, colors=COLORS):
    """An image of noise and a label of blocks, all colors in it."""
    blocks = rng.integers(len(colors), size=(size[0] // 4, size[1] // 4))
    blocks.flat[: len(colors)] = np.arange(len(colors))
    label = np.array(colors, np.uint8)[np.kron(blocks, np.ones((4, 4), int))]
    return rng.integers(256, size=(*size, 3), dtype=np.uint8), label


def write_isprs(folder, benchmark, size=(80, 112), colors=COLORS):
    """All scenes of a benchmark, small; returns their labels by scene."""
    rng = np.random.default_rng(0)
    nested = {'Potsdam': ('2_Ortho_RGB', '5_Labels_all_noBoundary')}
    places = nested.get(benchmark.name, ('top', ''))
    labels = {}
    for number in (s for scenes in benchmark.splits.values() for s in scenes):
        image, labels[number] = scene(rng, size, colors)
        for place, name, pixels in (
            (places[0], benchmark.image, image),
            (places[1], benchmark.label, labels[number]),
        ):
            file = folder / place / name.format(number)
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(file)
    return labels


def pack(folder, archive):
    with zipfile.ZipFile(archive, 'w') as target:
        for file in sorted(folder.rglob('*.*')):
            target.write(file, file.relative_to(folder.parent))


@pytest.mark.parametrize('benchmark', [POTSDAM, VAIHINGEN], ids=lambda b: b.name)
def test_tiles_are_those_of_mmsegs_converter(tmp_path, benchmark, monkeypatch):
    """On labels without surprises, file for file and pixel for pixel."""
    source = tmp_path / 'download'
    write_isprs(source, benchmark)
    archives = tmp_path / 'archives'
    archives.mkdir()
    if benchmark is POTSDAM:
        for folder in source.iterdir():
            pack(folder, archives / f'{folder.name}.zip')
    else:
        top = archives / 'ISPRS_semantic_labeling_Vaihingen.zip'
        with zipfile.ZipFile(top, 'w') as target:
            for file in (source / 'top').iterdir():
                target.write(file, f'top/{file.name}')
        name = 'ISPRS_semantic_labeling_Vaihingen_ground_truth_eroded_COMPLETE.zip'
        with zipfile.ZipFile(archives / name, 'w') as target:
            for file in source.glob('*.tif'):
                target.write(file, file.name)
    counts = convert(benchmark, archives, tmp_path / 'ours', 32, 32, report=str)
    sizes = ['--clip_size', '32', '--stride_size', '16']
    script = MMSEG_TOOLS / f'{benchmark.name.lower()}.py'
    subprocess.run(
        [sys.executable, script, archives, '-o', tmp_path / 'theirs', *sizes],
        check=True,
        capture_output=True,
    )
    ours = {f.relative_to(tmp_path / 'ours') for f in tmp_path.glob('ours/*/*/*')}
    theirs = {f.relative_to(tmp_path / 'theirs') for f in tmp_path.glob('theirs/*/*/*')}
    assert ours == theirs
    # 3 x 4 tiles of every scene: the last ones overlap.
    splits = benchmark.splits.items()
    assert counts == {split: 12 * len(scenes) for split, scenes in splits}
    for name in sorted(ours)[::37]:
        first, second = (
            cv2.imread(str(tmp_path / k / name), -1) for k in ('ours', 'theirs')
        )
        np.testing.assert_array_equal(first, second)


def test_the_numbers_of_tiles_are_the_published_ones():
    """Tiles every 512 px on the real sizes; a stride of 256 gives other numbers."""

    def tiles(sizes, stride=512):
        return sum(
            len(tile_offsets(width, 512, stride))
            * len(tile_offsets(height, 512, stride))
            for width, height in sizes
        )

    for split, scenes in POTSDAM.splits.items():
        assert tiles([(6000, 6000)] * len(scenes)) == POTSDAM.published[split]
    assert tiles([(6000, 6000)] * 24, stride=256) == 24 * 23 * 23
    for split, listed in SIZES.items():
        sizes = [tuple(map(int, size.split('x'))) for size in listed.split()]
        assert len(sizes) == len(VAIHINGEN.splits[split])
        assert tiles(sizes) == VAIHINGEN.published[split]


def test_splits_have_all_scenes_once():
    assert [len(s) for s in POTSDAM.splits.values()] == [24, 14]
    assert [len(s) for s in VAIHINGEN.splits.values()] == [16, 17]
    for benchmark in (POTSDAM, VAIHINGEN):
        scenes = [s for scenes in benchmark.splits.values() for s in scenes]
        assert len(set(scenes)) == len(scenes)


def test_a_download_of_other_size_is_not_the_published_one(tmp_path):
    write_isprs(tmp_path / 'in', POTSDAM, size=(512, 516))
    message = r'Potsdam .*train: expected 3456, got 48; val: expected 2016, got 28'
    with pytest.raises(ValueError, match=message):
        convert(POTSDAM, tmp_path / 'in', tmp_path / 'out', report=str)


def test_missing_scenes_are_named_and_can_be_left_out(tmp_path):
    write_isprs(tmp_path / 'in', POTSDAM, size=(32, 32))
    gone = ['top_potsdam_7_13_RGB.tif', 'top_potsdam_2_10_label_noBoundary.tif']
    for name in gone:
        next((tmp_path / 'in').rglob(name)).unlink()
    with pytest.raises(FileNotFoundError, match=r'Potsdam .* 2 missing: top') as error:
        convert(POTSDAM, tmp_path / 'in', tmp_path / 'out', 32, 32, report=str)
    assert all(name in str(error.value) for name in gone)
    said = []
    counts = convert(
        POTSDAM, tmp_path / 'in', tmp_path / 'out', 32, 32, partial=True,
        report=said.append,
    )  # fmt: skip
    assert counts == dict(train=23, val=13)
    assert 'left out for lack of 2 files' in said[0]


def test_unknown_colors_are_refused_or_ignored_aloud(tmp_path):
    # The hash of mmseg's converter takes the last one for a car: 2 b + 3 g + 4 r.
    odd = (*COLORS[:6], (252, 255, 0), (255, 253, 3))
    labels = write_isprs(tmp_path / 'in', POTSDAM, size=(32, 32), colors=odd)
    arguments = (POTSDAM, tmp_path / 'in', tmp_path / 'out', 32, 32)
    message = r'2_10_label_noBoundary\.tif. holds 2 colors .*\(25[25], 25[35], [03]\)'
    with pytest.raises(ValueError, match=message):
        convert(*arguments, report=str)
    said = []
    convert(*arguments, ignore_unknown=True, report=said.append)
    assert sum('ignored.' in line for line in said) == 38
    written = cv2.imread(str(tmp_path / 'out/ann_dir/train/2_10_0_0_32_32.png'), -1)
    strange = (labels['2_10'] == odd[6]).all(-1) | (labels['2_10'] == odd[7]).all(-1)
    assert strange.any()
    np.testing.assert_array_equal(written == 0, strange | (labels['2_10'] == 0).all(-1))


def test_colors_become_the_numbers_of_the_protocol():
    label = np.array([COLORS], np.uint8)
    numbers = {color: number for number, color in enumerate(COLORS)}
    gray, unknown = colors_to_labels(label, numbers)
    assert (gray.tolist(), unknown) == ([[0, 1, 2, 3, 4, 5, 6]], {})
    gray, unknown = colors_to_labels(np.full((1, 2, 3), 9, np.uint8), numbers)
    assert (gray.tolist(), unknown) == ([[0, 0]], {(9, 9, 9): 2})


def test_scenes_of_no_split_are_not_put_into_val(tmp_path):
    write_isprs(tmp_path / 'in', POTSDAM, size=(32, 32))
    file = tmp_path / 'in/2_Ortho_RGB/top_potsdam_9_99_RGB.tif'
    Image.new('RGB', (32, 32)).save(file)
    said = []
    convert(POTSDAM, tmp_path / 'in', tmp_path / 'out', 32, 32, report=said.append)
    assert 'in no split of mmsegmentation, left out: 9_99' in said
    assert not list((tmp_path / 'out').rglob('9_99*'))


def test_labels_of_another_size_are_refused(tmp_path):
    write_isprs(tmp_path / 'in', VAIHINGEN, size=(32, 32))
    file = tmp_path / 'in/top_mosaic_09cm_area1_noBoundary.tif'
    Image.new('RGB', (32, 36)).save(file)
    with pytest.raises(ValueError, match=r"area1_noBoundary\.tif' to have the size of"):
        convert(VAIHINGEN, tmp_path / 'in', tmp_path / 'out', 32, 32, report=str)


def test_full_labels_of_vaihingen_are_no_second_images(tmp_path):
    write_isprs(tmp_path / 'in', VAIHINGEN, size=(32, 32))
    other = tmp_path / 'in/gts_for_participants/top_mosaic_09cm_area1.tif'
    other.parent.mkdir()
    Image.new('RGB', (32, 32)).save(other)
    convert(VAIHINGEN, tmp_path / 'in', tmp_path / 'out', 32, 32, report=str)
    twice = tmp_path / 'in/copy/top_mosaic_09cm_area1.tif'
    twice.parent.mkdir()
    Image.new('RGB', (32, 32)).save(twice)
    with pytest.raises(ValueError, match=r'area1\.tif once, got copy/.*, top/'):
        convert(VAIHINGEN, tmp_path / 'in', tmp_path / 'out', 32, 32, report=str)


def test_tiles_of_an_earlier_run_with_other_settings_are_noticed(tmp_path):
    write_isprs(tmp_path / 'in', VAIHINGEN, size=(64, 64))
    convert(VAIHINGEN, tmp_path / 'in', tmp_path / 'out', 32, 32, report=str)
    with pytest.raises(
        ValueError, match='got also 64 others, such as area11_0_0_32_32'
    ):
        convert(VAIHINGEN, tmp_path / 'in', tmp_path / 'out', 48, 48, report=str)


def test_broken_files_are_named(tmp_path):
    write_isprs(tmp_path / 'in', POTSDAM, size=(32, 32))
    file = tmp_path / 'in/2_Ortho_RGB/top_potsdam_2_10_RGB.tif'
    file.write_bytes(b'II*no image')
    with pytest.raises(ValueError, match=r"2_10_RGB\.tif' as an image"):
        convert(POTSDAM, tmp_path / 'in', tmp_path / 'out', 32, 32, report=str)
    (tmp_path / 'in/labels.zip').write_bytes(b'no archive')
    with pytest.raises(ValueError, match=r"archive '.*labels\.zip'.*download it again"):
        convert(POTSDAM, tmp_path / 'in', tmp_path / 'out', 32, 32, report=str)
    with pytest.raises(FileNotFoundError, match=r"download at '.*absent'"):
        convert(POTSDAM, tmp_path / 'absent', tmp_path / 'out', report=str)


def write_loveda(folder, counts, packed=True):
    """Tiny tiles with LoveDA's names, numbered through the splits."""
    number = 0
    for split, (rural, urban) in counts.items():
        for place, count in (('Rural', rural), ('Urban', urban)):
            for _ in range(count):
                for kind in ('images_png', 'masks_png')[: 1 + (split != 'Test')]:
                    file = folder / split / place / kind / f'{number}.png'
                    file.parent.mkdir(parents=True, exist_ok=True)
                    file.write_bytes(f'{kind} {number}'.encode())
                number += 1
        if packed:
            pack(folder / split, folder / f'{split}.zip')
            for file in (folder / split).rglob('*.png'):
                file.unlink()


SMALL = dict(Train=(3, 2), Val=(2, 1), Test=(1, 3))


@pytest.mark.parametrize('packed', [True, False])
def test_loveda_is_copied_byte_by_byte(tmp_path, packed, monkeypatch):
    write_loveda(tmp_path / 'in', SMALL, packed)
    # What macOS leaves in archives.
    junk = tmp_path / 'in/__MACOSX/Val/Rural/images_png/._5.png'
    junk.parent.mkdir(parents=True)
    junk.write_bytes(b'')
    monkeypatch.setattr(loveda, 'PUBLISHED', dict(train=5, val=3, test=4))
    said = []
    counts = loveda.convert(tmp_path / 'in', tmp_path / 'out', report=said.append)
    assert counts == dict(train=5, val=3, test=4)
    assert said[-1] == 'LoveDA: 5 train, 3 val, 4 test, as published.'
    folders = {str(f.relative_to(tmp_path / 'out')) for f in tmp_path.glob('out/*/*')}
    assert folders == {f'img_dir/{s}' for s in ('train', 'val', 'test')} | {
        'ann_dir/train', 'ann_dir/val'
    }  # fmt: skip
    assert (tmp_path / 'out/ann_dir/train/4.png').read_bytes() == b'masks_png 4'
    assert (tmp_path / 'out/img_dir/test/11.png').read_bytes() == b'images_png 11'


def test_loveda_verifies_its_counts(tmp_path):
    write_loveda(tmp_path / 'in', SMALL)
    message = 'train: expected 2522, got 5; val: expected 1669, got 3; test: .* 1796'
    with pytest.raises(ValueError, match=message):
        loveda.convert(tmp_path / 'in', tmp_path / 'out', report=str)
    counts = loveda.convert(tmp_path / 'in', tmp_path / 'out', partial=True, report=str)
    assert counts == dict(train=5, val=3, test=4)
    assert sum(loveda.PUBLISHED.values()) == 5987


def test_loveda_names_what_is_missing_or_double(tmp_path):
    write_loveda(tmp_path / 'in', dict(Train=(2, 0), Test=(1, 0)), packed=False)
    with pytest.raises(FileNotFoundError, match='missing: Val'):
        loveda.convert(tmp_path / 'in', tmp_path / 'out', report=str)
    (tmp_path / 'in/Train/Rural/masks_png/1.png').unlink()
    with pytest.raises(ValueError, match=r'one of both for 1: 1\.png'):
        loveda.convert(tmp_path / 'in', tmp_path / 'out', partial=True, report=str)
    write_loveda(tmp_path / 'two', dict(Train=(1, 0)), packed=False)
    urban = tmp_path / 'two/Train/Urban/images_png'
    urban.mkdir(parents=True)
    (urban / '0.png').write_bytes(b'')
    with pytest.raises(ValueError, match=r'once, got .*Rural.*0\.png.*Urban.*0\.png'):
        loveda.convert(tmp_path / 'two', tmp_path / 'out', partial=True)


def write_levir_cs(folder, splits, bands_first=False):
    rng = np.random.default_rng(0)
    for split, scenes in splits.items():
        for name in scenes:
            bands = rng.integers(0, 1200, size=(6, 8, 4), dtype=np.uint16)
            bands[0, 0] = (0, 1023, 2000, 5)
            mask = rng.integers(3, size=(6, 8), dtype=np.uint8)
            for kind in ('mss', 'label_0_1_2'):
                (folder / split / kind).mkdir(parents=True, exist_ok=True)
            bands = bands.transpose(2, 0, 1) if bands_first else bands
            tifffile.imwrite(
                folder / split / 'mss' / f'{name}_mss.tiff',
                bands,
                photometric='minisblack',
                planarconfig='separate' if bands_first else 'contig',
            )
            target = folder / split / 'label_0_1_2' / f'{name}_roiMap.tif'
            Image.fromarray(mask).save(target)


@pytest.mark.parametrize('bands_first', [False, True])
def test_levir_cs_becomes_red_green_blue(tmp_path, bands_first, monkeypatch):
    write_levir_cs(tmp_path / 'in', dict(train=['a', 'b'], test=['c']), bands_first)
    monkeypatch.setattr(levir_cs, 'PUBLISHED', dict(train=2, test=1))
    counts = levir_cs.convert(tmp_path / 'in', tmp_path / 'out', report=str)
    assert counts == dict(train=2, test=1)
    image = np.array(Image.open(tmp_path / 'out/img_dir/train/a.png'))
    assert image.shape == (6, 8, 3)
    # Bands were blue 0, green 1023, red beyond; the near infrared is left out.
    assert image[0, 0].tolist() == [255, 255, 0]
    mask = np.array(Image.open(tmp_path / 'out/ann_dir/test/c.png'))
    assert set(np.unique(mask)) == {0, 1, 2}


def test_levir_cs_names_what_is_missing(tmp_path):
    write_levir_cs(tmp_path / 'in', dict(train=['a', 'b']))
    with pytest.raises(FileNotFoundError, match='missing: test/mss'):
        levir_cs.convert(tmp_path / 'in', tmp_path / 'out', report=str)
    (tmp_path / 'in/train/label_0_1_2/b_roiMap.tif').unlink()
    with pytest.raises(FileNotFoundError, match=r'1 missing: .*b_roiMap\.tif'):
        levir_cs.convert(tmp_path / 'in', tmp_path / 'out', partial=True)
    assert sum(levir_cs.PUBLISHED.values()) == 4168


def test_a_scene_without_four_bands_is_refused(tmp_path):
    write_levir_cs(tmp_path / 'in', dict(train=['a']))
    tifffile.imwrite(tmp_path / 'in/train/mss/a_mss.tiff', np.zeros((6, 8), np.uint16))
    with pytest.raises(ValueError, match=r"four bands in '.*a_mss\.tiff'.*\(6, 8\)"):
        levir_cs.convert(tmp_path / 'in', tmp_path / 'out', partial=True, report=str)


@pytest.mark.parametrize('name', ['potsdam', 'vaihingen', 'loveda', 'levir-cs'])
def test_the_commands_end_with_one_line_that_says_what_lacks(tmp_path, name):
    with pytest.raises(SystemExit, match=r'^error: .*missing') as error:
        main(f'prepare convert {name}', argv=[str(tmp_path), str(tmp_path / 'out')])
    assert str(tmp_path) in str(error.value)


def test_a_command_converts_and_reports(tmp_path, capsys):
    write_isprs(tmp_path / 'in', VAIHINGEN, size=(32, 36))
    argv = [str(tmp_path / 'in'), str(tmp_path / 'out'), '--size', '32']
    main('prepare convert vaihingen', argv=argv)
    said = capsys.readouterr().out
    assert 'top/top_mosaic_09cm_area38.tif: 34 tiles of val' in said
    assert len(list((tmp_path / 'out/ann_dir/train').iterdir())) == 32
