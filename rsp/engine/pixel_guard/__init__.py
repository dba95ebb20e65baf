"""Compare the pixels that reach a network with what it was set up for."""

from rsp.engine.pixel_guard.expectation import Expectation, expected_by
from rsp.engine.pixel_guard.label_rules import find_label_faults
from rsp.engine.pixel_guard.observation import Observation
from rsp.engine.pixel_guard.rules import Finding, find_pixel_faults

__all__ = [
    'Expectation',
    'Finding',
    'Observation',
    'expected_by',
    'find_label_faults',
    'find_pixel_faults',
]
