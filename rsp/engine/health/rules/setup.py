"""Judge queue, teacher, temperature and gradient: whether a method can work."""

from collections.abc import Iterator

from rsp.engine.health.rules.history import SURE, Alarm, History
from rsp.ops.contrast import lowest_loss


def queue_length(history: History) -> Iterator[Alarm]:
    """Find a queue that holds an image's own keys."""
    length, keys = (history.facts.get(n, 0) for n in ('queue', 'keys_per_epoch'))
    if length and keys and length >= keys:
        yield Alarm(
            'queue_length',
            f'the queue of {length:.0f} keys holds every one of the {keys:.0f} keys of '
            'an epoch, so that an image is pushed away from itself; shorten it to less '
            'than half of them (model.queue_len, or model.queue.length)',
        )


def queue_idle(history: History) -> Iterator[Alarm]:
    """Find a queue that nobody fills."""
    sums = history.last('queue_sum', SURE)
    if sums and len(set(sums)) == 1:
        yield Alarm(
            'queue_idle',
            'the queue has not changed, so that its negatives stay random directions; '
            'let every step push its keys (FeatureQueue.push)',
        )


def temperature(history: History) -> Iterator[Alarm]:
    """Find a temperature at which the loss cannot fall."""
    temperature = history.facts.get('temperature', 0)
    (negatives,) = history.last('negatives') or [0]
    if temperature <= 0 or negatives < 1:
        return
    share = lowest_loss(int(negatives), temperature)
    if share > 0.9:
        yield Alarm(
            'temperature',
            f'at a temperature of {temperature:g} and {negatives:.0f} negatives no '
            f'features bring the loss below {share:.0%} of where it starts; set '
            'model.head.temperature to 0.05 to 0.5',
        )


def teacher_still(history: History) -> Iterator[Alarm]:
    """Find a teacher that nobody moves."""
    moved, waits = history.last('teacher_moved', SURE), history.facts
    student = history.last('student_moved', SURE)
    if moved and not any(moved) and all(student) and not waits.get('teacher_waits'):
        yield Alarm(
            'teacher_still',
            'the teacher still has the weights that it started with, though the '
            'student has moved; add rsp.TeacherHook to custom_hooks, or raise the '
            'momentum of '
            'the teacher (here the share of new weights, 1 - m of the papers)',
        )


def teacher_copy(history: History) -> Iterator[Alarm]:
    """Find a teacher that averages nothing."""
    apart = history.last('teacher_distance', 2)
    student = history.last('student_moved', 2)
    if apart and max(apart) == 0 and all(student):
        yield Alarm(
            'teacher_copy',
            'the teacher has exactly the weights of the student, so that it averages '
            'nothing; lower its momentum, here the share of new weights (1 - m of the '
            'papers), to 0.001 to 0.05',
        )


def still(history: History) -> Iterator[Alarm]:
    """Find a backbone that nobody trains."""
    moved = history.last('student_moved', 2)
    if moved and not any(moved):
        yield Alarm(
            'still',
            'no weight of the backbone has changed since the start; look at the '
            'learning rate and its schedule, lr_mult of paramwise_cfg, and '
            "'frozen_stages' of the backbone",
        )


def no_gradient(history: History) -> Iterator[Alarm]:
    """Find a backbone that its loss does not reach."""
    norms = history.last('backbone_gradient', 2)
    if norms and max(norms) == 0:
        yield Alarm(
            'no_gradient',
            'no gradient reaches the backbone, whatever the loss does; look for '
            "detach(), no_grad() or a dead layer before the loss, and 'frozen_stages'",
        )


def projector(history: History) -> Iterator[Alarm]:
    """Find a projector whose units are dead."""
    outputs, inputs = (history.last(n, 2) for n in ('projected_deviation', 'deviation'))
    if outputs and inputs and max(outputs) < 1e-6 and min(inputs) > 0.03:
        yield Alarm(
            'projector',
            'the projector gives the same output for every image, though its inputs '
            'differ: its units are dead; lower the learning rate, add batch norm to '
            'the neck, or initialize it anew',
        )


def leak(history: History) -> Iterator[Alarm]:
    """Find keys whose batch norm gives them away."""
    own = history.last('own_statistics', 2)
    if own and min(own) > 0:
        yield Alarm(
            'leak',
            'on each process the keys are normalized by batch norm over the very '
            'images of the queries, so that a positive can be told from the queue '
            'by its '
            "batch's statistics; shuffle the keys over the processes "
            "(rsp.models.modules.batch_shuffle), or set sync_bn='torch'",
        )
