"""Harmless data sets that look suspicious, one a file; the registry finds them."""
