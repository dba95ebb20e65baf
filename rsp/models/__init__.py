"""Collect methods of pre-training and their parts, in mmpretrain's folders."""

from rsp.models import backbones, heads, losses, modules, necks, selfsup

__all__ = ['backbones', 'heads', 'losses', 'modules', 'necks', 'selfsup']
