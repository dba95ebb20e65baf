"""Cut scenes and images into tiles."""
