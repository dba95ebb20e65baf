"""Read land-cover maps and count classes below footprints."""
