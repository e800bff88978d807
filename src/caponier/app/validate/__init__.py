"""Emulations and their benign controls, carried out for real."""
