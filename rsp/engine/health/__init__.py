"""Tell while it trains whether a pre-training learns."""
