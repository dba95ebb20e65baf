"""Run a config for a minute and tell what its whole schedule will cost."""
