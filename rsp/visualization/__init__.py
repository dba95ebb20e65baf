"""Paint images, predictions and curves."""
