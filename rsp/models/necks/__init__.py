"""Project features between backbone and head."""

from rsp.models.necks.linear_decoder import LinearDecoder
from rsp.models.necks.projector import Projector
from rsp.models.necks.prototype_neck import PrototypeNeck

__all__ = ['LinearDecoder', 'Projector', 'PrototypeNeck']
