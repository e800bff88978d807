"""Labelled data sets, read without trusting them."""
