"""Prepare data: scan folders, cut tiles, make labels, convert and split data sets.

Needs the ``geo`` extra; nothing here is imported by ``import rsp``.
"""
