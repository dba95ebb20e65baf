"""Measure sets of features: rank, spread, neighbors."""
