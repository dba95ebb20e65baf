"""Oriented detection on mmrotate: data sets, metric and pictures.

Importing this package registers its parts in ``rsp``'s registries, and mmrotate's.
"""
