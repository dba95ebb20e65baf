"""List, read and write files."""
