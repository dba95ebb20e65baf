"""Look at single positions of feature maps: attention between them, matches."""
