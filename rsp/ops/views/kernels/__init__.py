"""Compute what operations on views share: random numbers, resampling, colors."""
