"""Find images of a test set in what a network was pre-trained on."""
