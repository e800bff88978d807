"""Scorecards of poisoned data sets, by what an attack can still do."""
