"""Detectors over model files, one a file, found by the registry."""
