"""Entries of a matrix as text: one format a file, each a pure function from entries to a string."""
