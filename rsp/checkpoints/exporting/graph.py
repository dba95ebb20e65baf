"""Write a backbone as a graph that runs without this project: ONNX or torch.export.

The file is run again on an image of noise, by onnxruntime or torch, and is kept only if
its maps are those of the network.
"""

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from rsp.checkpoints.card import make_card, refuse_damage
from rsp.checkpoints.checkpoint import Backbone, Checkpoint
from rsp.checkpoints.families.family import image_size_of
from rsp.checkpoints.networks import build_backbone
from rsp.checkpoints.reading.finite import refuse_non_finite
from rsp.checkpoints.reading.zoo import find_weights
from rsp.errors import UserError
from rsp.io.files import write_atomically
from rsp.ops import check

# Of the operators; onnxruntime reads it since 1.14.
OPSET = 18
# Largest difference of two maps, as a share of the largest number in them.
TOLERANCE = 1e-5
# Side of images, where the network does not tell.
SIDE = 224
Run = Callable[[Tensor], list[Tensor]]


class Tuple(nn.Module):
    """Return a backbone's maps as a tuple, as graphs have outputs."""

    def __init__(self, backbone: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Return the maps.

        Args:
            images: Shape (N, C, H, W).
        """
        return tuple(self.backbone(images))


def export_graph(
    checkpoint: str | Path,
    out: str | Path,
    to: str,
    branch: str | None = None,
    image_size: int | None = None,
    license: str | None = None,
    trust: bool = False,
) -> dict[str, Any]:
    """Write one backbone of a checkpoint as a graph, and compare what it computes.

    Input ``images``: normalized, shape (N, C, H, W), any N (of Swin 1); outputs
    ``map0`` and so on, those of `rsp.checkpoints.load_backbone`. The card is in the
    file: in ONNX under the metadata ``card``, else as ``card.json``.

    Args:
        checkpoint: As for `rsp.checkpoints.load_backbone`.
        out: File to write.
        to: ``'onnx'`` or ``'pt2'`` (``torch.export``).
        branch: ``'student'``, ``'teacher'`` or ``'ema'``.
        image_size: H = W; None for the network's own, 224 if it takes any.
        license: Of the weights, for the card.
        trust: See `rsp.checkpoints.read`.

    Returns:
        ``architecture``, ``branch``, ``inputs`` and ``outputs`` (shapes by name),
        ``opset`` (ONNX), ``difference`` (largest, as a share of the largest number),
        ``guessed`` and the ``card``.

    Raises:
        UserError: If the backbone is none that is built here, a package is missing, or
            the graph computes something else; then nothing is written.
    """
    check.one_of('--to', to, WRITERS)
    out = Path(out).expanduser()
    if out.suffix != f'.{to}':
        raise UserError(f"expected a file *.{to} to write, got '{out}'.")
    file = Checkpoint.load(find_weights(checkpoint), trust=trust)
    backbone = file.backbone(branch)
    refuse_damage(file, backbone)
    refuse_non_finite(backbone.tensors, checkpoint, 'export an earlier checkpoint')
    network = Tuple(build_backbone(backbone.resize(image_size))).eval()
    image = _noise(backbone, network, image_size)
    card = file.card or make_card(file, backbone, license)
    out.parent.mkdir(parents=True, exist_ok=True)
    with write_atomically(out) as unfinished:
        with warnings.catch_warnings():
            # torch about its own parts.
            warnings.simplefilter('ignore', FutureWarning)
            warnings.simplefilter('ignore', DeprecationWarning)
            program = _trace(network, image)
            run, facts = WRITERS[to](program, unfinished, json.dumps(card))
        most = None if program.range_constraints else 1
        difference = compare_maps(network, run, image[:most])
    with torch.no_grad():
        maps = network(image[:1])
    batch = most or 'N'
    return dict(
        architecture=backbone.architecture,
        branch=backbone.branch,
        inputs=dict(images=(batch, *image.shape[1:])),
        outputs={f'map{i}': (batch, *m.shape[1:]) for i, m in enumerate(maps)},
        difference=difference,
        guessed=backbone.guessed_settings,
        card=card,
        **facts,
    )


def describe_graph(out: str | Path, meta: dict[str, Any]) -> str:
    """Describe what `export_graph` wrote."""
    shapes = [
        f'{name} ({", ".join(map(str, shape))})'
        for name, shape in {**meta['inputs'], **meta['outputs']}.items()
    ]
    opset = f', opset {meta["opset"]}' if 'opset' in meta else ''
    lines = [
        f'{out}: {meta["architecture"]} of the {meta["branch"]}{opset}',
        f'  {shapes[0]} -> {", ".join(shapes[1:])}',
        f'  largest difference {meta["difference"]:.3g} of the largest number '
        f'(tolerance {TOLERANCE:g})',
    ]
    if meta['guessed']:
        guessed = ', '.join(f'{key} {value}' for key, value in meta['guessed'].items())
        lines.append(f'  guessed, as the file does not tell: {guessed}')
    return '\n'.join(lines)


def compare_maps(network: nn.Module, run: Run, image: Tensor) -> float:
    """Return the largest difference, as a share of the largest number, or refuse.

    Args:
        network: Returns a tuple of maps.
        run: Runs what was written; other numbers of images than it was traced with,
            too.
        image: Shape (2, C, H, W).

    Raises:
        UserError: If a map differs by more than `TOLERANCE`.
    """
    numbers = {len(image), 1}
    return max(_difference(network, run, image[:number]) for number in numbers)


def _difference(network: nn.Module, run: Run, images: Tensor) -> float:
    with torch.no_grad():
        expected = network(images)
    worst = 0.0
    for number, (here, there) in enumerate(zip(expected, run(images), strict=True)):
        difference = (here - there).abs().max() / here.abs().max().clamp(min=1e-12)
        # NaN compares as neither more nor less.
        if not difference <= TOLERANCE:
            raise UserError(
                f'the graph computes something else: map{number} differs by '
                f'{float(difference):.3g} of its largest number (tolerance '
                f'{TOLERANCE:g}); nothing is written.'
            )
        worst = max(worst, float(difference))
    return worst


def _noise(backbone: Backbone, network: nn.Module, side: int | None) -> Tensor:
    """Return two images that the network takes."""
    own = image_size_of(network.backbone)  # type: ignore[arg-type]
    side = side or own or backbone.config().get('img_size') or SIDE
    generator = torch.Generator().manual_seed(0)
    shape = (2, backbone.config()['in_channels'], side, side)
    return torch.randn(shape, generator=generator)


def _trace(network: nn.Module, images: Tensor) -> torch.export.ExportedProgram:
    """Trace a network for any number of images, or if it cannot be, for one."""
    batch = torch.export.Dim('batch')
    try:
        return torch.export.export(
            network, (images,), dynamic_shapes={'images': {0: batch}}
        )
    except torch._dynamo.exc.UserError:
        # mm's Swin computes with the number itself.
        return torch.export.export(network, (images[:1],))


def _write_program(
    program: torch.export.ExportedProgram, out: Path, card: str
) -> tuple[Run, dict[str, Any]]:
    torch.export.save(program, out, extra_files={'card.json': card})
    again = torch.export.load(out).module()

    def run(images: Tensor) -> list[Tensor]:
        with torch.no_grad():
            return list(again(images))

    return run, {}


def _write_onnx(
    traced: torch.export.ExportedProgram, out: Path, card: str
) -> tuple[Run, dict[str, Any]]:
    try:
        import onnx  # noqa: F401
        import onnxruntime
        import onnxscript  # noqa: F401
    except ModuleNotFoundError as error:
        raise UserError(
            f"expected {error.name} to write ONNX: pip install 'rsp-pretrain[onnx]'."
        ) from error
    outputs = traced.graph_signature.user_outputs
    program = torch.onnx.export(
        traced,
        (),
        dynamo=True,
        opset_version=OPSET,
        input_names=['images'],
        output_names=[f'map{number}' for number in range(len(outputs))],
        verbose=False,
    )
    assert program is not None
    program.model.metadata_props['card'] = card
    program.save(out)
    session = onnxruntime.InferenceSession(str(out), providers=['CPUExecutionProvider'])

    def run(images: Tensor) -> list[Tensor]:
        maps = session.run(None, {'images': images.numpy()})
        return [torch.from_numpy(found) for found in maps]

    return run, dict(opset=OPSET)


WRITERS = dict(onnx=_write_onnx, pt2=_write_program)
