"""Pack the images of a folder into a store that training reads."""

import os
import shutil
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import track

from rsp.datasets.image_folder import EXTENSIONS
from rsp.errors import MissingData, UserError, shorten
from rsp.io.listing import list_names
from rsp.io.stores.images import READERS
from rsp.io.stores.manifest import DIGESTS, IMAGES, LOG, NAME, NAMES, PLACES, Manifest
from rsp.io.stores.names import PackedNames
from rsp.io.stores.store import content_hash, digest_of
from rsp.prepare.jobs import run_jobs
from rsp.prepare.pack.image import DONE
from rsp.prepare.pack.merge import WRITERS, Part, merge
from rsp.prepare.pack.portion import pack_portion, plan_jobs
from rsp.prepare.pack.settings import PackSettings
from rsp.prepare.progress_log import ProgressLog

PARTS = 'parts'
# Holds the signature of the files whose parts are being merged.
MERGING = 'merging'
# Sub-folders whose changes a manifest remembers.
MOST_FOLDERS = 1000


def pack_folder(
    folder: Path,
    out: Path,
    settings: PackSettings,
    skip_bad: bool = False,
    **cluster: Any,
) -> Manifest:
    """Pack all images below a folder; a second call resumes, or verifies.

    Args:
        folder: Of the images, searched with its sub-folders.
        out: Folder for the store; empty, or one that a call with these settings began.
        settings: What becomes of each image.
        skip_bad: Leave out images that cannot be packed; the manifest names them.
        cluster: ``scheduler`` and ``workers`` of `run_jobs`.

    Raises:
        MissingData: If there is no folder of images.
        UserError: If there is no image, one cannot be packed, the folder has changed
            since, or the store differs from what was packed.
    """
    names = _list_images(folder, out)
    folders = _times_of_folders(folder, names)
    jobs, signature = plan_jobs(folder, names, out / PARTS, asdict(settings))
    if (out / NAME).is_file():
        return _check_finished(out, settings, names, signature)
    begun_with = dict(folder=str(folder.resolve()), **asdict(settings))
    log = ProgressLog(out / LOG, begun_with, new_folder=True)
    (out / PARTS).mkdir(exist_ok=True)
    _refuse_other_files(out, signature)
    results = run_jobs(pack_portion, jobs, log, description='packing', **cluster)
    left_out = _refuse_failed(folder, results, len(names), skip_bad)
    packed = PackedNames.of(
        name for job in jobs for name in job['names'] if name not in left_out
    )
    tables = [np.load(out / PARTS / f'{job["key"]}.npy') for job in jobs]
    parts = [
        (table, out / PARTS / f'{job["key"]}.part')
        for table, job in zip(tables, jobs, strict=True)
    ]
    manifest = _write(
        out,
        parts,
        packed,
        dict(
            kind=settings.kind,
            source=str(folder.resolve()),
            signature=signature,
            folders=folders,
            endings=sorted(EXTENSIONS),
            settings=asdict(settings),
            left_out=left_out,
            notes=dict(sum((Counter(r['notes']) for r in results), Counter())),
        ),
    )
    verify(out, manifest)
    manifest.write(out)
    _tidy(out)
    return manifest


def verify(out: Path, manifest: Manifest) -> None:
    """Read all images of a store, and compare them with what was packed.

    Raises:
        UserError: If one differs.
    """
    images: Any = READERS[manifest.kind](out)
    digests = np.load(out / DIGESTS)
    names = PackedNames.load(out / NAMES)
    wrong = [
        names[row]
        for row in track(range(manifest.count), 'verifying')
        if digest_of(images[row]) != int(digests[row])
    ]
    if wrong or images.mark() != manifest.content:
        raise UserError(
            f"expected the images that were packed in '{out}', got others of "
            f"{len(wrong)} names: {shorten(wrong)}; remove '{out}' and pack again."
        )


def describe(manifest: Manifest, out: Path) -> str:
    """Return a summary of a store as lines to print."""
    size = sum(manifest.bytes.values()) / 1e6
    made = ', '.join(f'{n:,} {what}' for what, n in manifest.made.items())
    low, middle, high = manifest.sizes
    lines = [
        f"{manifest.count:,} images in '{out}', {size:,.1f} MB: {made}",
        f'  short sides were {low} to {high} pixels, half of them {middle} or less',
    ]
    lines += [f'  {n:,} with {what}' for what, n in manifest.notes.items()]
    left_out = [*manifest.left_out.items()]
    lines += [f"  left out '{name}': {why}" for name, why in left_out[:10]]
    if left_out[10:]:
        lines.append(f'  and {len(left_out) - 10} more, see {NAME}')
    lines.append(f"read it by store='{out}' in the config of a data set.")
    return '\n'.join(lines)


def _list_images(folder: Path, out: Path) -> PackedNames:
    if not folder.is_dir():
        raise MissingData(f"expected a folder of images at '{folder}', there is none.")
    names = list_names(folder, EXTENSIONS)
    if out.resolve().is_relative_to(folder.resolve()):
        inside = out.resolve().relative_to(folder.resolve()).as_posix() + '/'
        names = PackedNames.of(name for name in names if not name.startswith(inside))
    if not len(names):
        raise UserError(
            f"expected images in '{folder}', found none. Endings looked for: "
            f'{", ".join(sorted(EXTENSIONS))}.'
        )
    return names


def _times_of_folders(folder: Path, names: Sequence[str]) -> dict[str, int]:
    below = sorted({os.path.dirname(name) for name in names})
    some = below[:: -(-len(below) // MOST_FOLDERS)]
    return {name: os.stat(folder / name).st_mtime_ns for name in some}


def _refuse_other_files(out: Path, signature: str) -> None:
    """Refuse to go on merging parts of files that have changed meanwhile."""
    mark = out / PARTS / MERGING
    if mark.exists() and mark.read_text() != signature:
        raise UserError(
            f"expected the images that '{out}' was begun with, got others: files were "
            f"changed, added or removed after it was half written; remove '{out}' and "
            'pack again.'
        )


def _refuse_failed(
    folder: Path, results: Sequence[dict[str, Any]], count: int, skip_bad: bool
) -> dict[str, str]:
    """Return what was left out, if that is allowed."""
    for result in results:
        if 'error' in result:
            raise UserError(
                f"cannot pack '{folder}': {result['error']}; the same command goes on "
                'from there.'
            )
    left_out = {k: v for result in results for k, v in result['left_out'].items()}
    if left_out and (not skip_bad or len(left_out) == count):
        name, why = next(iter(left_out.items()))
        raise UserError(
            f"{len(left_out)} of {count} images in '{folder}' cannot be packed: "
            f'{shorten([*left_out])}; of {name}: {why} Repair or remove them, or leave '
            'them out by --skip-bad; the same command goes on from there.'
        )
    return left_out


def _write(
    out: Path, parts: Sequence[Part], names: PackedNames, facts: dict[str, Any]
) -> Manifest:
    """Write the files of a store but the manifest, and return that."""
    (out / PARTS / MERGING).write_text(facts['signature'])
    table = np.concatenate([part[0] for part in parts])
    content = content_hash(names, table['digest'])
    with closing(WRITERS[facts['kind']](out, table['size'])) as writer:
        merge(writer, parts)
        writer.finish(content)
    names.save(out / NAMES)
    np.save(out / DIGESTS, table['digest'])
    files = [NAMES, DIGESTS, IMAGES[facts['kind']]]
    if facts['kind'] == 'raw':
        shapes = (writer.offsets[:-1], table['height'], table['width'])
        np.save(out / PLACES, np.stack(shapes, axis=1).astype(np.int64))
        files.append(PLACES)
    done = np.bincount(table['done'], minlength=len(DONE))
    sides = np.percentile(table['short_side'], (0, 50, 100), method='lower')
    return Manifest(
        count=len(names),
        content=content,
        made={what: int(n) for what, n in zip(DONE, done, strict=True) if n},
        sizes=sides.astype(int).tolist(),
        bytes={name: (out / name).stat().st_size for name in files},
        **facts,
    )


def _check_finished(
    out: Path, settings: PackSettings, names: Sequence[str], signature: str
) -> Manifest:
    """Verify a store that is finished, and its source."""
    manifest = Manifest.read(out)
    if manifest.settings != asdict(settings):
        raise UserError(
            f"expected the settings that '{out}' was packed with, {manifest.settings}, "
            f'got {asdict(settings)}; write to another folder, or remove it.'
        )
    if manifest.signature != signature:
        before = {*PackedNames.load(out / NAMES), *manifest.left_out}
        new, gone = {*names} - before, before - {*names}
        raise UserError(
            f"expected the images that '{out}' was packed of, got others: {len(new)} "
            f'new, {len(gone)} gone, or changed ones{_such(new | gone)}; pack into '
            'another folder, or remove it.'
        )
    verify(out, manifest)
    _tidy(out)
    return manifest


def _such(names: set[str]) -> str:
    return f' ({shorten(sorted(names))})' if names else ''


def _tidy(out: Path) -> None:
    shutil.rmtree(out / PARTS, ignore_errors=True)
    (out / LOG).unlink(missing_ok=True)
