"""Measure the steps, waits, memory and rare events of a run that is going on."""
