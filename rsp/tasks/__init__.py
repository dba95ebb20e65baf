"""Add what mmpretrain, mmdet, mmrotate and mmseg lack for the tasks.

Importing this package needs none of them; each task is a package of its own, which a
config of that task names in ``custom_imports``.
"""
