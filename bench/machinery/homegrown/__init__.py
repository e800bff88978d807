"""Inference logs as services write them themselves, generated together with the truth about them."""
