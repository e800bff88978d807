"""Versions of a matrix: read from any release, kept in a library."""
