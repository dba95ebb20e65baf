"""Write checkpoint files so that none is lost."""

from rsp.checkpoints.saving.files import remove_unfinished, write, write_note

__all__ = ['remove_unfinished', 'write', 'write_note']
