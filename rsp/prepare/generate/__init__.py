"""Generate the config of a folder of scenes or images."""
