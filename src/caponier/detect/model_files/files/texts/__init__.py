"""Texts that other programs than a loader of models run."""
