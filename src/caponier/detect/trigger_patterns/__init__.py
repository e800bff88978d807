"""Patterns that rows of one label share and others do not: how they are found, and what they do to a model."""
