"""Draw curves, grids of images, spectra and planes of features."""
