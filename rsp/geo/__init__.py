"""Georeferenced rasters: reading them, their ground, and what covers it.

Needs the ``geo`` extra; nothing here is imported by ``import rsp``.
"""
