"""Draw images, predictions and curves."""
