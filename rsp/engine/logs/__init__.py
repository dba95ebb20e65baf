"""Log values of steps without waiting for the device."""

from rsp.engine.logs.history import History
from rsp.engine.logs.runtime_info import RuntimeInfoHook

__all__ = ['History', 'RuntimeInfoHook']
