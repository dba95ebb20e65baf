"""Read georeferenced rasters, their footprints and the land cover below them.

Needs the ``geo`` extra; nothing here is imported by ``import rsp``.
"""
