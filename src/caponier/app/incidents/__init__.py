"""Findings kept, joined into incidents, and told to others."""
