"""Split published data sets of scene classification."""
