"""Name bands per sensor, choose them by name, and stack files of one band each."""
