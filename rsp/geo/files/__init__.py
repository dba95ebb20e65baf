"""Open raster files: colors of palettes, what they depend on, dates."""
