"""From a folder of scenes or images to a datasheet and a config.

Needs the ``geo`` extra; nothing here is imported by ``import rsp``.
"""
