"""Attackers who have read the detectors: each is a way of stepping, an order, and a disguise, put together."""
