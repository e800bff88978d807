"""Repair with proof: a new data set or an older model version, both measured on one pinned test set.

Nothing here overwrites anything, and nothing here loads a model file that could run code.
"""
