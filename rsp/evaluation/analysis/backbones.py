"""Load the backbones to compare, each with the pixels that it was trained on."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rsp.checkpoints.card import find_card
from rsp.checkpoints.checkpoint import Checkpoint, take_backbone
from rsp.checkpoints.networks import build_backbone
from rsp.checkpoints.reading.zoo import find_weights
from rsp.checkpoints.verification import build_target
from rsp.datasets.transforms.load_image import LoadImageFromFile
from rsp.errors import UserError, print_once
from rsp.evaluation.analysis.images import ImageSet
from rsp.evaluation.analysis.readers import find_reader, note_colors, read_image
from rsp.evaluation.analysis.stages import stage_maps, stride

# Of ImageNet, 0-255, RGB: for what does not tell its own.
MEAN, STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
LIBRARIES = ('timm', 'torchvision')


@dataclass(frozen=True)
class Encoder:
    """Hold a frozen backbone that turns pixels into the maps of its stages.

    Attributes:
        name: Short and unique among those compared.
        source: File or name it is from.
        network: mmpretrain's, in evaluation mode.
        architecture: E.g. ``'ResNet-18'``.
        family: E.g. ``'ResNet'``.
        mean: Per channel, 0-255.
        std: Per channel, 0-255.
        is_bgr: Whether it takes blue first.
        bands: Number of its input.
        reader: Reads images in other units or bands than 8-bit colors, as its training
            did; None for these.
        normalization: Where mean and std are from: ``'card'`` (the file's own, or its
            format's) or ``'ImageNet'``, which is a guess.
    """

    name: str
    source: str
    network: nn.Module
    architecture: str
    family: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    is_bgr: bool = False
    bands: int = 3
    reader: LoadImageFromFile | None = None
    normalization: str = 'card'

    def read(self, images: ImageSet, index: int) -> np.ndarray:
        """Read an image of a set as its training did, (H, W, C); see `read_image`."""
        return read_image(images, index, self.bands, self.reader, self.source)

    def prepare(self, pixels: np.ndarray | Sequence[np.ndarray]) -> Tensor:
        """Normalize images as in its training.

        Args:
            pixels: Shape (N, H, W, C), as `read` gives them.

        Returns:
            Shape (N, C, H, W).
        """
        stacked = torch.from_numpy(np.stack(list(pixels))).permute(0, 3, 1, 2).float()
        stacked = stacked.flip(1) if self.is_bgr else stacked
        shape = (1, -1, 1, 1)
        mean, std = (torch.tensor(v).view(shape) for v in (self.mean, self.std))
        return (stacked - mean) / std

    def maps(self, images: Tensor) -> dict[str, Tensor]:
        """Compute the maps of stem and stages, with gradients where these are on.

        Stages of a plain vision transformer, which has none, end after each quarter of
        its blocks; the stem is its patch embedding. Of a ResNet it ends with the
        pooling, of a VGG with the first one.

        Args:
            images: Shape (N, C, H, W), normalized; any H and W that fit the patches.

        Returns:
            ``stem``, ``stage1`` to ``stage4``: each (N, C, h, w), deepest last.

        Raises:
            UserError: If the network has no four stages, or a map is not finite.
        """
        maps = stage_maps(self.network, self.family, images)
        self.require_finite(maps)
        return maps

    def require_finite(self, maps: Mapping[str, Tensor]) -> None:
        """Refuse maps, by place, with numbers that are not finite.

        Raises:
            UserError: With the first place.
        """
        for place, values in maps.items():
            if not values.isfinite().all():
                raise UserError(
                    f"features of '{self.source}' at {place} hold NaN or infinity; its "
                    'training diverged, take an earlier checkpoint.'
                )

    def stride(self, place: str) -> int:
        """Return the pixels from one position of a map to the next."""
        return stride(self.network, self.family, place)

    def describe(self) -> dict[str, Any]:
        """Return what a result says of it."""
        return dict(
            source=self.source,
            architecture=self.architecture,
            normalization=self.normalization,
            mean=list(self.mean),
            std=list(self.std),
        )


def load_encoders(
    sources: Sequence[str],
    branch: str | None = None,
    trust: bool = False,
    colors: bool = False,
) -> list[Encoder]:
    """Load backbones of files or by name, and give each a short name.

    Args:
        sources: Each a checkpoint in any format of `rsp.checkpoints.formats`, the name
            of a released one, ``timm:MODEL`` or ``torchvision:MODEL`` with the weights
            that the library downloads, or ``random:MODEL`` for untrained ones of timm;
            ``NAME=`` in front gives a name for pictures.
        branch: ``'student'`` or ``'teacher'``; None for the one its method hands on.
        trust: Open files that can run code.
        colors: Whether only backbones of 8-bit red, green and blue will do.

    Raises:
        UserError: If one does not load whole, or two would have one name.
    """
    encoders = [
        _load(name, source, branch, trust) for name, source in name_sources(sources)
    ]
    for encoder in encoders:
        if colors and (encoder.bands != 3 or encoder.reader):
            raise UserError(
                f"expected a backbone of 8-bit red, green and blue, got '"
                f"{encoder.source}' with {encoder.bands} bands of its own unit; this "
                'command shows it nothing else.'
            )
    return encoders


def read_alike(images: ImageSet, encoders: Sequence[Encoder]) -> None:
    """Let pictures of a plain folder show what the first encoder of bands reads.

    Raises:
        UserError: If an encoder cannot read the first image.
    """
    for encoder in encoders:
        if encoder.reader is not None:
            # Refused before anything is computed or drawn.
            encoder.read(images, 0)
    readers = [encoder.reader for encoder in encoders if encoder.reader is not None]
    plain = [e.name for e in encoders if e.reader is None and e.bands == 3]
    note_colors(images, readers, plain)


def name_sources(sources: Sequence[str]) -> list[tuple[str, str]]:
    """Return a short name and the file of each source; see `load_encoders`."""
    split = [_split_name(source) for source in sources]
    return [
        (name, source)
        for name, (_, source) in zip(_short_names(split), split, strict=True)
    ]


def _load(name: str, source: str, branch: str | None, trust: bool) -> Encoder:
    library, colon, model = source.partition(':')
    card: dict[str, Any] = {}
    described: Any = None
    if colon and library in (*LIBRARIES, 'random') and not Path(source).exists():
        state, card = _library_weights(library, model)
        backbone = take_backbone(state)
    else:
        file = Checkpoint.load(find_weights(source), trust=trust)
        backbone, card = file.backbone(branch), find_card(file)
        described = file.config_value('train_dataloader', 'dataset')
    config = backbone.config()
    arch = config.get('arch')
    depths = arch.get('depths') if isinstance(arch, dict) else None
    if depths is not None and len(depths) != 4:
        raise UserError(
            f"expected a backbone of four stages, got {len(depths)} in '{source}' "
            f'({backbone.architecture}); it cannot be compared by stages.'
        )
    network = build_backbone(backbone)
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    found = card.get('normalization') or {}
    bands = config['in_channels']
    reader, scaled = find_reader(card, described)
    if scaled and not found.get('mean'):
        found = scaled
    if bands != 3 and len(found.get('mean') or ()) not in (1, bands):
        raise UserError(
            f"expected the mean and deviation of {bands} bands in '{source}', which "
            f'tells {len(found.get("mean") or ())}; give the checkpoint of the training'
            ', whose config has them.'
        )
    if not found.get('mean'):
        print_once(
            f"{name}: '{source}' does not tell the mean and deviation of its pixels; "
            "those of ImageNet are taken. `rsp checkpoint inspect` shows a file's card."
        )
    to_rgb = found.get('to_rgb') or found.get('bgr_to_rgb')
    return Encoder(
        name,
        source,
        network,
        backbone.architecture,
        backbone.family.name if backbone.family else '',
        tuple(found.get('mean') or MEAN),
        tuple(found.get('std') or STD),
        # Loaders give blue first, and preprocessors turn it round.
        is_bgr=bool(found) and not to_rgb and not card.get('bands') and bands == 3,
        bands=bands,
        reader=reader,
        normalization='card' if found.get('mean') else 'ImageNet',
    )


def _library_weights(
    library: str, model: str
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the tensors of a library's model, downloaded by it, and its card."""
    if library == 'random':
        # A name that exists, else the error lists near ones.
        torch.manual_seed(0)
        target = build_target(f'timm:{model}')
        return target.state_dict(), dict(
            normalization=dict(mean=MEAN, std=STD, to_rgb=True)
        )
    build_target(f'{library}:{model}')
    try:
        if library == 'timm':
            from timm import create_model

            network: Any = create_model(model, pretrained=True, num_classes=0)
            facts = network.pretrained_cfg
            mean, std = ([255 * v for v in facts[key]] for key in ('mean', 'std'))
        else:
            from torchvision.models import get_model

            network = get_model(model, weights='DEFAULT')
            mean, std = list(MEAN), list(STD)
    except (OSError, RuntimeError, ValueError) as error:
        reason = str(error).strip().partition('\n')[0]
        raise UserError(
            f"could not get the weights of '{library}:{model}' ({reason}); download "
            'them and give the file.'
        ) from error
    return network.state_dict(), dict(
        normalization=dict(mean=mean, std=std, to_rgb=True)
    )


def _split_name(source: str) -> tuple[str, str]:
    """Return the name before ``=``, or none, and the source."""
    name, equals, rest = source.partition('=')
    if equals and '/' not in name and not Path(source).exists():
        return name, rest
    return '', source


def _short_names(split: Sequence[tuple[str, str]]) -> list[str]:
    """Name sources by their files, and by as many folders as tell them apart."""
    parts = [re.split(r'[/\\]', source) for _, source in split]
    for depth in range(1, max(map(len, parts)) + 1):
        names = [
            name or re.sub(r'\.(pth|pt|safetensors|bin)$', '', '/'.join(words[-depth:]))
            for (name, _), words in zip(split, parts, strict=True)
        ]
        if len(set(names)) == len(names):
            return names
    raise UserError(
        f'expected checkpoints of different names, got {names}; write NAME=FILE to '
        'name them, and give each once.'
    )
