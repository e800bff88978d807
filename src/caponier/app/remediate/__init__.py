"""Repair with proof: data sets and models, always into something new."""
