"""Poisons of data sets, one a file; the registry finds them."""
