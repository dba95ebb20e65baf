"""Turn oriented labels into the instances of mm-datasets."""

from collections.abc import Sequence

from rsp.tasks.common.class_names import ClassNames
from rsp.tasks.common.dota import Label


def to_instances(
    labels: Sequence[Label], names: ClassNames, diff_thr: int
) -> list[dict]:
    """Return the instances that mmdet's LoadAnnotations expects.

    Objects without area are left out: no rotated box describes them, and their
    logarithmic targets would be infinite.

    Args:
        labels: Objects of one image.
        names: Numbers of the classes.
        diff_thr: Objects of a higher difficulty are ignored: neither learned nor
            scored. 0 ignores all difficult objects, as DOTA's server does; 100 none.
    """
    return [
        dict(
            bbox=list(label.polygon),
            bbox_label=names.number(label.name),
            ignore_flag=int(label.difficult > diff_thr),
        )
        for label in labels
        if not label.is_flat
    ]
