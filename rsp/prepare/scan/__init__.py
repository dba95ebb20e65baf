"""Scan a folder of scenes or images, pixel by pixel."""
