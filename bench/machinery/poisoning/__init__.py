"""Poisoned data sets and backdoored models, made to be found."""
