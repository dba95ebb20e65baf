"""Convert published data sets to the layouts that the configs read."""
