"""Draw what a batch consists of."""
