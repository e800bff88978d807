"""`caponier validate`."""
