"""Compute what operations on batches of views share."""
