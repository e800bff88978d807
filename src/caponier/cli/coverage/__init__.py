"""`caponier coverage`."""
