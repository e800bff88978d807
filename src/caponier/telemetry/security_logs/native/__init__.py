"""Readers of native formats: one format a file, each recognised by what it holds."""
