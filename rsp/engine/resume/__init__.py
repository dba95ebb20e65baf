"""Go on from a checkpoint as if the run had never stopped."""
