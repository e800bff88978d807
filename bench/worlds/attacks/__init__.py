"""Attackers: what they want, how they go about it, and whether they got it before any defence."""
