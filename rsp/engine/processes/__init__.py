"""Live and die with the other processes of a run and with the machine's signals."""

from rsp.engine.processes.stop_hook import StopHook
from rsp.engine.processes.stopping import Stopped, stop_on_signals
from rsp.engine.processes.watchdog import WatchdogHook
from rsp.engine.processes.work_dir import hold_work_dir

__all__ = [
    'StopHook',
    'Stopped',
    'WatchdogHook',
    'hold_work_dir',
    'stop_on_signals',
]
