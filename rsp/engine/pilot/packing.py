"""Pack a sample of the images of a run into stores, to try what they gain."""

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rsp.errors import UserError


def folders_of(dataset: Any, cfg: Any, key: str, count: int) -> Iterator[dict]:
    """Yield the folders of images that a data set reads, and that could be packed.

    Args:
        dataset: Built.
        cfg: Its config.
        key: Of that config.
        count: Names to give of each folder, spread evenly over it.

    Yields:
        ``key`` of the config of an ``rsp.ImageFolder``, its ``folder``, and ``names``
        of images below it.
    """
    # Where it is used: trials alone need data sets.
    from rsp.datasets import ImageFolder, PairedDataset

    if isinstance(dataset, PairedDataset):
        for name, source in dataset.sources.items():
            place = f'{key}.sources.{name}'
            yield from folders_of(source, cfg['sources'][name], place, count)
    elif isinstance(dataset, ImageFolder):
        # Names of a list file belong to the folder as it is.
        if not (dataset.store or dataset.ann_file):
            folder = Path(dataset.img_prefix).resolve()
            step = -(-len(dataset) // count)
            paths = (
                dataset.get_data_info(i)['img_path']
                for i in range(0, len(dataset), step)
            )
            names = [Path(path).resolve().relative_to(folder) for path in paths]
            yield dict(key=key, folder=str(folder), names=[str(name) for name in names])
    elif hasattr(dataset, 'dataset'):  # the runner wraps data sets, too
        own = 'dataset' in cfg
        below = cfg['dataset'] if own else cfg
        place = f'{key}.dataset' if own else key
        yield from folders_of(dataset.dataset, below, place, count)


def pack_samples(folders: Sequence[Mapping[str, Any]], place: Path) -> list[str]:
    """Pack the named images of each folder; return the overrides that read them.

    Args:
        folders: Of `folders_of`.
        place: Empty folder for the stores.

    Raises:
        UserError: If they cannot be packed.
    """
    options = []
    for number, found in enumerate(folders):
        files, store = place / f'files_{number}', place / f'store_{number}'
        for name in found['names']:
            (files / name).parent.mkdir(parents=True, exist_ok=True)
            (files / name).symlink_to(Path(found['folder'], name))
        # Not imported: what prepares data knows of training, not the reverse.
        command = 'from rsp.cli import main; main()'
        words = ['prepare', 'pack', str(files), str(store)]
        done = subprocess.run(
            [sys.executable, '-c', command, *words], capture_output=True, text=True
        )
        if done.returncode:
            last = done.stderr.strip().splitlines()[-1:]
            raise UserError(f'no store of {found["folder"]}: {"".join(last)}')
        options += [f'{found["key"]}.store={store}']
        options += [f'{found["key"]}.{name}=' for name in ('data_root', 'data_prefix')]
    return options
