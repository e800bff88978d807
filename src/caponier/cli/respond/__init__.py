"""`caponier respond`."""
