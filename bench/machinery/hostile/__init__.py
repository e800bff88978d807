"""Hostile model files: put together from instructions, and loaded by their own loaders in disposable processes."""
