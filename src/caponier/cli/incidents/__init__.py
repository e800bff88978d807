"""`caponier incidents`."""
