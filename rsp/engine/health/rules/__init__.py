"""Judge what was measured: each rule names a failure, its cause and a remedy."""

from rsp.engine.health.rules import images, learning, setup
from rsp.engine.health.rules.history import Alarm, History, Rule

__all__ = ['Alarm', 'History', 'find_alarms']

# Causes before symptoms: whose images are broken has no rate to look for.
STAGES: tuple[tuple[Rule, ...], ...] = (
    (images.broken_band, images.mask),
    (images.flat_images, images.equal_views, images.one_class),
    (images.same_images,),
    (
        setup.queue_length,
        setup.queue_idle,
        setup.temperature,
        setup.teacher_still,
        setup.teacher_copy,
    ),
    (setup.projector, setup.leak, images.labels),
    (setup.no_gradient,),
    (setup.still,),
    (learning.not_finite,),
    (learning.rate,),
    (learning.dead_units, learning.collapse),
)


def find_alarms(history: History) -> list[Alarm]:
    """Apply the rules to all measurements; symptoms only if no cause is found."""
    for stage in STAGES:
        alarms = [alarm for rule in stage for alarm in rule(history)]
        if alarms:
            return alarms
    return []
