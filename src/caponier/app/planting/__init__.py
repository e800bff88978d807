"""Attacks planted into a copy of the user's own log, to tell what would be caught there."""
