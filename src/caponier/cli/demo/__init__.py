"""`caponier demo`."""
