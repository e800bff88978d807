"""Baselines: what benign traffic of a model looks like, learned, checked and explained."""
