"""Harmless callers who send other things than predictions, one kind a file."""
