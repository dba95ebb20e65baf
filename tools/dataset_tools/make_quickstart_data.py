"""Cut the small real data set of the quick start out of its two source archives.

    python tools/dataset_tools/make_quickstart_data.py \
        --eurosat eurosat_subset.tar --photos clothing_subset.tar \
        --out data/quickstart

writes

    remote/               2,400 satellite scenes without labels, shuffled, scene_*.jpg
    natural/<class>/      1,000 everyday photos, 100 of each of 10 classes
    probe/train/<class>/    800 satellite scenes, 80 of each of 10 classes
    probe/val/<class>/      800 satellite scenes, 80 of each of 10 classes

and then checks what it wrote: counts, sizes, and that no two scenes are the same image.
`--check data/quickstart` does the checks alone. The archives hold `train|val/<class>/`:
`remote` and `probe/train` share the train part, `probe/val` is the whole val part. The
same archives, seed and Pillow version give the same bytes.
"""

import argparse
import hashlib
import io
import random
import tarfile
from collections import defaultdict
from pathlib import Path

import numpy as np
from PIL import Image

from rsp.errors import UserError

NUM_REMOTE_PER_CLASS = 240
NUM_PROBE_PER_CLASS = 80
NUM_PHOTOS_PER_CLASS = 100
EXPECTED_IMAGES = {
    'remote': 2400,
    'natural': 1000,
    'probe/train': 800,
    'probe/val': 800,
}
SCENE_QUALITY = 90  # the sources are quality 100: 3.4 kB, this makes 1.4 kB
PHOTO_QUALITY = 80
PHOTO_SHORT_SIDE = 64  # pixels, that of the satellite scenes
MAX_BYTES = 8_000_000


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--eurosat', type=Path, help='eurosat_subset.tar')
    parser.add_argument('--photos', type=Path, help='clothing_subset.tar')
    parser.add_argument('--out', type=Path, help='new folder to write')
    parser.add_argument('--seed', type=int, default=0, help='of both draws')
    parser.add_argument('--check', type=Path, help='only check this folder')
    args = parser.parse_args()
    if not args.check and not (args.eurosat and args.photos and args.out):
        parser.error('--eurosat, --photos and --out are needed (or --check FOLDER)')
    return args


def read_archive(path: Path) -> dict[str, dict[str, dict[str, bytes]]]:
    """Read a tar archive as {split: {class: {file name: bytes}}}."""
    content: dict = defaultdict(lambda: defaultdict(dict))
    with tarfile.open(path) as archive:
        for member in archive:
            parts = Path(member.name).parts
            if member.isfile() and parts[-1].endswith('.jpg'):
                split, label, name = parts[-3:]
                content[split][label][name] = archive.extractfile(member).read()
    if not content['train']:
        raise UserError(f'{path} holds no train/<class>/*.jpg; is it the right file?')
    return content


def decode(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data)).convert('RGB')


def pixel_hash(data: bytes) -> str:
    """Return a hash of the pixels, whatever the metadata."""
    pixels = np.asarray(decode(data))
    return hashlib.sha256(str(pixels.shape).encode() + pixels.tobytes()).hexdigest()


def encode(data: bytes, quality: int, short_side: int | None = None) -> bytes:
    """Encode the image again as a JPEG without metadata, resized if asked."""
    image = decode(data)
    if short_side:
        scale = short_side / min(image.size)
        size = tuple(round(side * scale) for side in image.size)
        image = image.resize(size, Image.Resampling.LANCZOS)
    out = io.BytesIO()
    image.save(out, 'JPEG', quality=quality, optimize=True)
    return out.getvalue()


def cut_scenes(path: Path, rng: random.Random) -> dict[str, bytes]:
    """Split the satellite archive into {file to write: source bytes}."""
    splits = read_archive(path)
    files, unlabeled = {}, []
    for label, images in sorted(splits['train'].items()):
        names = sorted(images)
        rng.shuffle(names)
        unlabeled += [images[name] for name in names[:NUM_REMOTE_PER_CLASS]]
        for name in names[NUM_REMOTE_PER_CLASS:][:NUM_PROBE_PER_CLASS]:
            files[f'probe/train/{label}/{name}'] = images[name]
    for label, images in splits['val'].items():
        for name, data in images.items():
            files[f'probe/val/{label}/{name}'] = data

    # Neither name nor order of an unlabeled scene may tell its class.
    rng.shuffle(unlabeled)
    for index, data in enumerate(unlabeled):
        files[f'remote/scene_{index:04d}.jpg'] = data

    refuse_duplicates({name: pixel_hash(data) for name, data in files.items()})
    return files


def cut_photos(path: Path, rng: random.Random) -> dict[str, bytes]:
    """Draw the labeled photos as {file to write: source bytes}."""
    files = {}
    for label, images in sorted(read_archive(path)['train'].items()):
        for name in sorted(rng.sample(sorted(images), NUM_PHOTOS_PER_CLASS)):
            files[f'natural/{label}/{name}'] = images[name]
    return files


def refuse_duplicates(hashes: dict[str, str]) -> None:
    """Refuse two files that hold the same image."""
    first: dict[str, str] = {}
    for name, value in hashes.items():
        if value in first:
            raise UserError(
                f'{first[value]} and {name} are the same image; a probe would be '
                'scored on what pre-training saw.'
            )
        first[value] = name


def check(folder: Path) -> dict[str, int]:
    """Check counts, sizes, readability and that no scene appears twice.

    Args:
        folder: A quick-start data folder.

    Returns:
        Number of images by part, and ``bytes`` of the whole folder.

    Raises:
        UserError: If anything differs from what the module docstring promises.
    """
    counts = {
        part: len(list((folder / part).rglob('*.jpg'))) for part in EXPECTED_IMAGES
    }
    if counts != EXPECTED_IMAGES:
        raise UserError(f'{folder}: expected {EXPECTED_IMAGES} images, got {counts}.')

    scenes = [*(folder / 'remote').rglob('*.jpg'), *(folder / 'probe').rglob('*.jpg')]
    for path in scenes:
        size = decode(path.read_bytes()).size
        if size != (64, 64):
            raise UserError(f'{path}: expected a 64 x 64 scene, got {size}.')
    refuse_duplicates({str(path): pixel_hash(path.read_bytes()) for path in scenes})
    for path in (folder / 'natural').rglob('*.jpg'):
        short_side = min(decode(path.read_bytes()).size)
        if short_side != PHOTO_SHORT_SIDE:
            raise UserError(
                f'{path}: expected short side {PHOTO_SHORT_SIDE}, got {short_side}.'
            )

    num_bytes = sum(path.stat().st_size for path in folder.rglob('*') if path.is_file())
    if num_bytes >= MAX_BYTES:
        raise UserError(f'{folder}: {num_bytes} bytes, but at most {MAX_BYTES} fit.')
    return {**counts, 'bytes': num_bytes}


def main() -> None:
    args = parse_args()
    if not args.check:
        rng = random.Random(args.seed)
        scenes, photos = cut_scenes(args.eurosat, rng), cut_photos(args.photos, rng)
        for part in EXPECTED_IMAGES:
            if (args.out / part).exists():
                raise FileExistsError(f'{args.out / part} exists; remove it first.')
        for name, data in (scenes | photos).items():
            target = args.out / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(
                encode(data, PHOTO_QUALITY, PHOTO_SHORT_SIDE)
                if name in photos
                else encode(data, SCENE_QUALITY)
            )
    print(check(args.check or args.out))


if __name__ == '__main__':
    main()
