"""Write checkpoint files so that none is lost."""

from rsp.checkpoints.saving.background import Background
from rsp.checkpoints.saving.files import later, remove_unfinished, write, write_note

__all__ = ['Background', 'later', 'remove_unfinished', 'write', 'write_note']
