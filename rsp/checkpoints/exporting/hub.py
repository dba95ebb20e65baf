"""Write a backbone as a folder for the Hugging Face Hub, and push it there.

timm.create_model('hf_hub:you/name', pretrained=True)
load_backbone('hf_hub:you/name')
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rsp.checkpoints.checkpoint import Checkpoint
from rsp.checkpoints.conversion import export_backbone
from rsp.checkpoints.networks import build_foreign
from rsp.errors import MissingData, UserError
from rsp.io.files import write_atomically

WEIGHTS, CONFIG, PAGE = 'model.safetensors', 'config.json', 'README.md'
IMAGENET = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375])
NO_TIMM = "expected timm: pip install 'rsp-pretrain[convert]'."
NO_HUB = "expected huggingface_hub: pip install 'rsp-pretrain[convert]'."


def export_hub(
    checkpoint: str | Path,
    out: str | Path,
    branch: str | None = None,
    image_size: int | None = None,
    license: str | None = None,
    trust: bool = False,
) -> dict[str, Any]:
    """Write a folder that timm and `rsp.checkpoints.load_backbone` read.

    It holds ``model.safetensors`` (timm's names, with the card), ``config.json``
    (timm's: architecture, arguments such as heads and bands, mean and std) and
    ``README.md``, the page on the Hub.

    Args:
        checkpoint: As for `rsp.checkpoints.export_backbone`.
        out: Folder to write; files of these names are replaced.
        branch: ``'student'``, ``'teacher'`` or ``'ema'``.
        image_size: Fits the position embeddings of a ViT to it.
        license: Of the weights, in the Hub's words (``'cc-by-nc-4.0'``).
        trust: See `rsp.checkpoints.read`.

    Returns:
        What `rsp.checkpoints.export_backbone` returns.

    Raises:
        UserError: If timm is missing or has no such network.
    """
    try:
        from timm.models._hub import save_config_for_hf
    except ModuleNotFoundError as error:
        raise UserError(
            "expected timm: pip install 'rsp-pretrain[convert]'."
        ) from error
    folder = Path(out).expanduser()
    if folder.is_file():
        raise UserError(f"expected a folder to write, got the file '{folder}'.")
    source = Checkpoint.load(checkpoint, trust=trust).backbone(branch)
    network = build_foreign(source.resize(image_size), 'timm', {})
    meta = export_backbone(
        checkpoint, folder / WEIGHTS, branch, 'timm', image_size, license, trust
    )
    _, arguments = source.family.timm_model(  # type: ignore[union-attr]
        source.resize(image_size).config()
    )
    pixels = _pixels(meta['card'], arguments['in_chans'])
    # timm would name those of its own weights of this architecture.
    pixels |= dict(tag='rsp', license=meta['card'].get('license') or 'unknown')
    with write_atomically(folder / CONFIG) as unfinished:
        save_config_for_hf(
            network,
            str(unfinished),
            model_config=dict(pretrained_cfg=pixels),
            model_args=arguments,
        )
    with write_atomically(folder / PAGE) as unfinished:
        unfinished.write_text(write_page(meta), encoding='utf-8')
    return meta


def push(folder: str | Path, repo: str, private: bool = False) -> str:
    """Push a folder of `export_hub` to the Hub.

    Token and address are those of huggingface_hub (``HF_TOKEN``, ``HF_ENDPOINT``).

    Args:
        folder: To push; nothing but its three files.
        repo: ``'you/name'``; created if it does not exist.
        private: Whether a new one is.

    Returns:
        Address of the commit.

    Raises:
        MissingData: If the folder lacks a file.
        UserError: If huggingface_hub is missing, or the Hub refuses.
    """
    folder = Path(folder).expanduser()
    absent = [n for n in (WEIGHTS, CONFIG, PAGE) if not (folder / n).is_file()]
    if absent:
        raise MissingData(
            f"expected {', '.join(absent)} in '{folder}'; write it by rsp checkpoint "
            f'convert FILE {folder} --to hub.'
        )
    try:
        from huggingface_hub import HfApi
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError
    except ModuleNotFoundError as error:
        raise UserError(NO_HUB) from error
    api = HfApi()
    try:
        api.create_repo(repo, private=private, exist_ok=True)
        done = api.upload_folder(
            repo_id=repo,
            folder_path=folder,
            allow_patterns=[WEIGHTS, CONFIG, PAGE],
            commit_message=f'Add {repo.split("/")[-1]}',
        )
    except HFValidationError as error:
        raise UserError(f"expected a name like you/gersp-r50, got '{repo}'.") from error
    except HfHubHTTPError as error:
        raise UserError(
            f"the Hub refused '{repo}' ({str(error).splitlines()[0]}); log in by hf "
            'auth login with a token that may write.'
        ) from error
    return str(done.commit_url)


def _pixels(card: Mapping[str, Any], bands: int) -> dict[str, Any]:
    """Return mean and std in timm's unit, 0-1, as far as the card tells them."""
    found = card.get('normalization') or (IMAGENET if bands == 3 else {})
    known = {
        key: tuple(float(number) / 255 for number in found[key])
        for key in ('mean', 'std')
        if key in found
    }
    return known or dict(mean=(0.0,) * bands, std=(1.0,) * bands)


def write_page(meta: Mapping[str, Any]) -> str:
    """Write the page of a backbone on the Hub, with what its card tells."""
    card = meta['card']
    front = dict(library_name='timm', pipeline_tag='image-feature-extraction')
    lines = [f'{key}: {value}' for key, value in front.items()]
    lines += [f'license: {card["license"]}'] if card.get('license') else []
    lines += ['tags:', '- remote-sensing', '- timm', '- rsp']
    facts = {
        'method': card.get('method'),
        'branch': meta['branch'],
        'heads, strides and the like': card.get('backbone'),
        'bands': card.get('bands'),
        'mean and std (0-255)': card.get('normalization')
        or 'not told; config.json has those of ImageNet for RGB, else 0 and 1',
        'pixel size (m)': card.get('pixel_size'),
        'trained on': (card.get('data') or {}).get('description'),
        'parameters': f'{meta["parameters"]:,}',
    }
    told = [
        f'| {key} | {_cell(value)} |'
        for key, value in facts.items()
        if value not in (None, [], {})
    ]
    return '\n'.join(
        [
            '---', *lines, '---', f'# {meta["architecture"]}', '',
            'A backbone pre-trained on remote sensing images, without a classifier.',
            '', '| | |', '|---|---|', *told, '',
            '```python',
            'import timm',
            '',
            "network = timm.create_model('hf_hub:you/name', pretrained=True)",
            '```', '',
        ]
    )  # fmt: skip


def _cell(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text.replace('|', '\\|').replace('\n', ' ')[:300]
