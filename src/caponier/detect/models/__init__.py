"""Detectors over models; each file is one plug-in."""
