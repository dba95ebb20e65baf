"""Pack the images of a folder into few large files."""
