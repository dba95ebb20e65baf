"""List, pair, read and check the files of a data set, for several tasks."""
