"""Read checkpoint files and addresses without running code that is in them."""

from rsp.checkpoints.reading.files import read, saved_checkpoints

__all__ = ['read', 'saved_checkpoints']
