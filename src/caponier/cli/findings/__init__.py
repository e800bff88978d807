"""`caponier findings`."""
