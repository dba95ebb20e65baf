"""Report what a folder of scenes or images holds."""
