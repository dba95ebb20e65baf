"""From the tensors of a file to a backbone by our names, and on to a library's."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from torch import Tensor

from rsp.checkpoints.architecture import guess_architecture
from rsp.checkpoints.layouts import (
    CLASSIFIERS,
    PRETRAINING_ONLY,
    RECOMPUTED,
    Layout,
    prefix_of,
    recognise,
)
from rsp.checkpoints.naming import naming_for, naming_of, strangers
from rsp.checkpoints.positions import resize_positions
from rsp.errors import UserError


@dataclass(frozen=True)
class Backbone:
    """One backbone taken out of a file.

    Attributes:
        tensors: By mmpretrain's names, without ``backbone.``.
        layout: What the file was.
        part: ``'student'`` or ``'teacher'``.
        library: Whose names it bore; '' if they are unknown and were kept.
        family: ``'ResNet'``, ``'VGG'``, ``'Swin'`` or ``'ViT'``; '' for another.
        unknown: Those of ``tensors`` that are no part of the family.
        left_out: Names of the file that belong to no backbone, or to another part's.
    """

    tensors: dict[str, Tensor]
    layout: Layout
    part: str
    library: str
    family: str
    unknown: tuple[str, ...]
    left_out: tuple[str, ...]

    @property
    def architecture(self) -> str:
        """E.g. ``'ResNet-50'``."""
        return guess_architecture(self.tensors)


def take_backbone(
    state: Mapping[str, Tensor], part: str | None = None, layout: str = 'auto'
) -> Backbone:
    """Take one backbone out of a checkpoint, by mmpretrain's names.

    Args:
        state: Tensors of a whole file by name, without ``module.``.
        part: ``'student'`` or ``'teacher'``; None for the one its method hands on,
            which is the student except for GeoKR.
        layout: ``'auto'``, or the key of the layout it has to be.

    Returns:
        The backbone; its tensors share memory with ``state`` where nothing had to be
        moved.

    Raises:
        ValueError: If the layout is unknown or another one, or lacks the part.
    """
    found = recognise(state)
    if layout not in ('auto', found.key):
        raise UserError(f'expected the layout {layout!r}, got {found.title}.')
    part = part or found.default
    prefix = prefix_of(state, found, part)
    own = {n[len(prefix) :]: t for n, t in state.items() if n.startswith(prefix)}
    outside = (*PRETRAINING_ONLY, *RECOMPUTED)
    taken = {
        name: tensor
        for name, tensor in own.items()
        if not name.startswith(CLASSIFIERS) and not name.endswith(outside)
    }
    naming = naming_of(taken)
    tensors = naming.inward(taken) if naming else taken
    return Backbone(
        tensors=tensors,
        layout=found,
        part=part,
        library=naming.library if naming else '',
        family=naming.family if naming else '',
        unknown=tuple(strangers(tensors, naming.family)) if naming else (),
        left_out=tuple(
            name
            for name in state
            if not name.startswith(prefix) or name[len(prefix) :] not in taken
        ),
    )


def rename(backbone: Backbone, library: str) -> dict[str, Tensor]:
    """Give a backbone the names and the order of numbers of another library.

    Args:
        backbone: See `take_backbone`.
        library: ``'mmpretrain'``, ``'mmdet'``, ``'mmseg'``, ``'mmrotate'``,
            ``'torchvision'`` or ``'timm'``.

    Raises:
        ValueError: If that library's names for this family are not known.
    """
    if library == 'mmpretrain':
        return dict(backbone.tensors)
    naming = naming_for(library, backbone.family)
    if naming is None:
        kind = backbone.family or backbone.architecture
        raise UserError(
            f'expected a ResNet, Swin or ViT to convert to {library}, or a VGG to '
            f'torchvision, got {kind}; '
            'use --to mmpretrain, which keeps its names.'
        )
    return naming.outward(backbone.tensors)


def fit_to_image(backbone: Backbone, size: int) -> Backbone:
    """Fit the position embeddings of a ViT to another image size; others as they are.

    Args:
        backbone: See `take_backbone`.
        size: Height and width of the images.
    """
    if 'pos_embed' not in backbone.tensors:
        return backbone
    patch = backbone.tensors['patch_embed.projection.weight'].shape[-1]
    extra = int('cls_token' in backbone.tensors)
    resized = resize_positions(backbone.tensors['pos_embed'], size // patch, extra)
    return replace(backbone, tensors=backbone.tensors | dict(pos_embed=resized))
