"""Findings on their way to people and to other programs."""
