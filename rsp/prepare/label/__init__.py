"""Label images and windows with land cover."""
