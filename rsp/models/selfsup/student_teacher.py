"""Share what methods with a student and its teacher have in common."""

from typing import Any

import torch.nn as nn
from mmpretrain.models import BaseSelfSupervisor
from mmpretrain.registry import MODELS as MMPRETRAIN_MODELS

from rsp.models.modules.teacher import Teacher


class StudentTeacher(BaseSelfSupervisor):
    """Train a student beside a teacher, the moving average of some of its parts.

    A method names these parts in ``parts``, builds its modules and calls
    `make_teacher` at the end of its constructor. Checkpoints hold the student's
    tensors under ``<part>.`` and the teacher's under ``teacher.module.<part>.``.

    Args:
        backbone: Image encoder.
        neck: Projector of its output.
        head: Loss of what is projected.
        data_preprocessor: Normalization, ``SelfSupDataPreprocessor`` unless given.
        init_cfg: Weight initialization.
    """

    # Attributes that the teacher shadows; those that are None are left out.
    parts: tuple[str, ...] = ('backbone', 'neck')
    # None where a method can do without and was told to.
    teacher: Any

    def __init__(
        self,
        backbone: dict | nn.Module,
        neck: dict | nn.Module | None = None,
        head: dict | nn.Module | None = None,
        data_preprocessor: dict | nn.Module | None = None,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(
            backbone=backbone,
            neck=neck,
            head=head,
            data_preprocessor=data_preprocessor,
            init_cfg=init_cfg,
        )

    @property
    def student(self) -> nn.ModuleDict:
        """Collect the parts that the teacher shadows, by name."""
        parts = {name: getattr(self, name) for name in self.parts}
        return nn.ModuleDict({n: part for n, part in parts.items() if part is not None})

    def make_teacher(self, config: dict | None = None, **settings: Any) -> None:
        """Copy the student's parts into ``self.teacher``.

        Args:
            config: Arguments of :class:`rsp.models.modules.Teacher` from the user.
            settings: Arguments the method chooses where the user did not.
        """
        self.teacher = Teacher(self.student, **{**settings, **(config or {})})

    def init_weights(self) -> None:
        """Initialize, then let the teacher start where the student does."""
        super().init_weights()
        # The official codes of GeRSP and GeoKR draw the two apart here.
        if self.teacher is not None:
            self.teacher.copy_from(self.student)


def build(module: Any) -> Any:
    """Build a module from its config; pass a ready one, or None, through."""
    return MMPRETRAIN_MODELS.build(module) if isinstance(module, dict) else module
