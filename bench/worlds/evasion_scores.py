"""Evasion by scores, in the manner of the papers."""
