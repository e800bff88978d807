"""Benign habits: each harmless, plausible, and told in a sentence."""
