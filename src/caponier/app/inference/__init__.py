"""Inference logs: read, judged against a baseline, and found in."""
