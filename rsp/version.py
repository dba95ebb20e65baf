"""Hold the version of `rsp`."""

__version__ = '0.2.0'
