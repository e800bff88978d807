"""Reads what model files consist of, told by content and within limits; nothing is loaded, extracted or run.

`judge` takes a file apart and puts the verdicts of its parts together; every other module knows one format, or one
family of formats, and nothing of the others.
"""
